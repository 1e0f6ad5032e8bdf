import type { Approval } from "../../lib/bindings/Approval";
import type { SignKey } from "../../lib/bindings/SignKey";
import type { SignMissing } from "../../lib/bindings/SignMissing";
import { age, dateTime, plural, until } from "../../lib/format";

export type Tone = "ok" | "warn" | "danger" | "accent" | "muted";

const STATES: Record<string, { word: string; tone: Tone }> = {
  done: { word: "Published", tone: "ok" },
  withdrawn: { word: "Withdrawn", tone: "muted" },
  refused: { word: "Refused", tone: "danger" },
  replaced: { word: "Asked again", tone: "muted" },
};

/** How a request stands, in a word or two. */
export function stateOf(approval: Approval): { word: string; tone: Tone } {
  if (approval.state !== "open") return STATES[approval.state] ?? { word: approval.state, tone: "muted" };
  if (approval.stale !== null) return { word: "Out of date", tone: "danger" };
  if (approval.expired) return { word: "Expired", tone: "warn" };
  if (approval.rsa !== null && !approval.rsa.there) return { word: "Waits for the RSA key", tone: "muted" };
  if (approval.complete) return { word: approval.own ? "Ready to publish" : "All signed", tone: "ok" };
  return approval.mine ? { word: "Waits for you", tone: "accent" } : { word: "Waits for others", tone: "muted" };
}

/** "1 of 2 signed". */
export function signedOf(approval: Pick<Approval, "have" | "need">): string {
  return `${String(approval.have)} of ${String(approval.need)} signed`;
}

/** "Expires 17 Jul 14:06, in 23 h". */
export function expiryOf(approval: Pick<Approval, "expires" | "expired">, now: number): string {
  const at = dateTime(approval.expires, now);
  if (approval.expired || Date.parse(approval.expires) <= now) return `Expired ${at}`;
  return `Expires ${at}, in ${until(approval.expires, now)}`;
}

/** "as of 14:03, 2 min ago": when the private location was last read. */
export function lookOf(looked: string | null, now: number): string {
  return looked === null ? "not read yet" : `as of ${dateTime(looked, now)}, ${age(looked, now)}`;
}

const EVENTS: Record<string, string> = {
  asked: "Asked for signatures",
  made: "Signed for plugins",
  signed: "Signed",
  refused: "Refused",
  withdrawn: "Withdrew it",
};

/** What happened, in words. */
export function eventWord(what: string): string {
  return EVENTS[what] ?? what;
}

/** "Needs 1 more signature": the role that lacks most leads. */
export function needsMore(missing: SignMissing[]): string {
  const most = Math.max(1, ...missing.map((role) => role.need - role.have));
  return `Needs ${plural(most, "more signature")}`;
}

/** "main.production" is signed for production. */
function channelOf(role: string): string {
  return role.includes(".") ? role.slice(role.indexOf(".") + 1) : role;
}

/** Why a key of this computer does not count; nothing when one does. */
export function whyNotMine(missing: SignMissing[], keys: SignKey[]): string | null {
  const role = missing.find((one) => !one.keys.some((key) => key.own));
  if (!role) return null;
  const approvers = new Set(role.keys.map((key) => key.id));
  const here = keys.find((key) => key.here && !approvers.has(key.fingerprint));
  const whose = here ? `Your key ‘${here.name}’ may not approve` : "No key of yours may approve";
  const names = role.keys.map((key) => (key.holder ? `${key.name} (${key.holder})` : key.name)).join(", ");
  return `${whose} ${channelOf(role.role)}. Approvers: ${names}.`;
}
