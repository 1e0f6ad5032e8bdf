import type { SignerKey } from "../../lib/bindings/SignerKey";
import type { TrustCeremony } from "../../lib/bindings/TrustCeremony";
import type { TrustPlan } from "../../lib/bindings/TrustPlan";

/** What a ceremony does. */
export type TrustKind = TrustCeremony["kind"];

/** A ceremony that the sheet opens with. */
export interface TrustStart {
  does: TrustKind;
  /** Id of the key that it is about. */
  key: string;
}

export interface Choice {
  kind: TrustKind;
  title: string;
  says: string;
}

const CHOICES: Choice[] = [
  {
    kind: "team",
    title: "Make a team",
    says: "Several people own the root and approve production together. Apps need no new build.",
  },
  { kind: "add", title: "Add a person", says: "Another key counts for the roles that you choose." },
  { kind: "remove", title: "Take out a key", says: "It stops counting for every role, for someone who left." },
  { kind: "threshold", title: "Change a threshold", says: "How many signatures a role needs." },
  {
    kind: "rotate",
    title: "Replace a key",
    says: "A new key takes its place in every role: it was stolen, lost or old.",
  },
  { kind: "renew", title: "Renew roles", says: "The same content is signed again, for longer." },
  { kind: "grant", title: "Let a key sign a role", says: "A key that is known already counts for one more role." },
  { kind: "revoke", title: "Stop a key from signing a role", says: "It keeps its other roles." },
];

/** What can be done now: a team is made once. */
export function choices(profile: string): Choice[] {
  return CHOICES.filter(({ kind }) => kind !== "team" || profile === "solo");
}

export function titleOf(kind: TrustKind | null): string {
  return CHOICES.find((choice) => choice.kind === kind)?.title ?? "Change roles";
}

const TOP: Record<string, string> = {
  root: "Root",
  targets: "Settings",
  snapshot: "Freshness (snapshot)",
  timestamp: "Freshness (timestamp)",
};

/** "Approvals on main.production". */
export function roleName(role: string): string {
  const top = TOP[role];
  if (top) return top;
  return role.endsWith(".rollout") ? `Rollouts on ${role.slice(0, -".rollout".length)}` : `Approvals on ${role}`;
}

/** What a line is about: the engine says "Signs targets", the page calls that role "Settings". */
export function lineName(what: string): string {
  const role = /^Signs ([a-z0-9.-]+)$/u.exec(what)?.[1];
  return role ? roleName(role) : what;
}

/** Two keys of one name must not look alike. */
export function keyName(key: SignerKey): string {
  return `${key.name || "Without a name"} (${key.id.slice(0, 8)})`;
}

/** Why a text is no public key; nothing when it is one. */
export function publicError(text: string, known: SignerKey[], others: string[]): string | null {
  const hex = text.trim();
  if (hex.includes("BEGIN")) return "This is a PEM block. Paste the 64 digits that “Copy public key” gives.";
  if (!/^[0-9a-f]*$/u.test(hex)) return "Only the digits 0–9 and a–f, in lower case.";
  if (hex.length !== 64) return `64 digits are needed; these are ${String(hex.length)}.`;
  if (others.some((other) => other.trim() === hex)) return "Two people have this key.";
  if (known.some((key) => key.id === hex)) return "This is a fingerprint. The public key is needed.";
  return null;
}

/** Signatures that other people still have to give, over all roles: one person signs all of theirs at once. */
export function waitingFor(plan: TrustPlan): number {
  return Math.max(0, ...plan.missing.map(({ need, have }) => need - have));
}

/** The same change: versions may be higher, and the reason is not part of it. */
export function sameTrust(one: TrustPlan, other: TrustPlan): boolean {
  // A renewal counts from the second that it is derived in.
  const lines = (plan: TrustPlan) => plan.lines.filter(({ what }) => !what.endsWith(" is valid until"));
  const of = (plan: TrustPlan): string => JSON.stringify([plan.title, lines(plan), plan.weakened, plan.canAsk]);
  return of(one) === of(other);
}
