import type { KeyCard } from "../../lib/bindings/KeyCard";
import type { KeyRing } from "../../lib/bindings/KeyRing";
import { age, date } from "../../lib/format";
import type { TrustStart } from "../trust/words";

/** What a dialog about keys is opened for. */
export type KeyAsked =
  | { what: "new"; channel?: string }
  | { what: "import"; name?: string }
  | { what: "unlock" }
  | { what: "root" }
  | { what: "roles"; start?: TrustStart; job?: string }
  | { what: "export" | "drill" | "retire" | "delete" | "fingerprint"; key: KeyCard };

/** How the backup of a key stands, with the dialog that makes it better. */
export interface Backup {
  tone: "ok" | "warn" | "muted";
  word: string;
  fix: { label: string; what: "export" | "drill" } | null;
}

export function backupOf(key: KeyCard): Backup {
  if (key.drilled !== null) {
    return { tone: "ok", word: `Backed up, restore drill passed ${date(key.drilled)}`, fix: null };
  }
  if (key.exported !== null) {
    const fix = { label: "Restore drill…", what: "drill" as const };
    return { tone: "warn", word: "Exported, not proven yet", fix };
  }
  return { tone: "warn", word: "Not backed up", fix: key.here ? { label: "Back up…", what: "export" } : null };
}

/** What the button of a key's trouble does. */
export type Remedy = { label: string; does: "import" | "unlock" | "check" };

/** The way out of a trouble that works from the card. */
export function remedyOf(code: string): Remedy {
  switch (code) {
    case "key.not_here":
    case "key.damaged":
      return { label: "Import key…", does: "import" };
    case "key.passphrase_needed":
    case "key.wrong_password":
      return { label: "Enter passphrase…", does: "unlock" };
    case "key.locked":
    case "key.timeout":
      return { label: "Unlock", does: "check" };
    default:
      return { label: "Look again", does: "check" };
  }
}

/** A trouble in two or three words. */
export function troubleOf(code: string): string {
  const words: Record<string, string> = {
    "key.not_here": "Not in this keychain",
    "key.damaged": "Damaged",
    "key.locked": "Keychain locked",
    "key.timeout": "Keychain does not answer",
    "key.ambiguous": "Two items of one name",
    "key.no_access": "No access to the keychain",
    "key.no_secret_service": "No keychain",
    "key.passphrase_needed": "Passphrase file closed",
    "key.wrong_password": "Wrong passphrase",
  };
  return words[code] ?? "Cannot be used";
}

/** Where a key lives. */
export function placeOf(key: KeyCard, vault: string): string {
  if (key.own) return key.here || key.problem?.code !== "key.not_here" ? `${vault} on this computer` : "Recorded here";
  return key.holder ? `Held by ${key.holder}` : "Elsewhere";
}

/** "Created 12 Jan 2026 · last signed 14 min ago". */
export function datesOf(key: KeyCard, now: number): string {
  const parts: string[] = [];
  if (key.retired !== null) parts.push(`Retired ${date(key.retired)}`);
  else if (key.created !== null) parts.push(`Created ${date(key.created)}`);
  parts.push(key.used ? `last signed ${age(key.used.at, now)}` : "no signature in force");
  const text = parts.join(" · ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Which signature the date of the last one comes from. */
export function usedOf(key: KeyCard): string {
  if (!key.used) return "No version in force carries its signature.";
  return `Newest version in force with its signature: ${key.used.role}, version ${key.used.version}, as signed metadata says.`;
}

/** "4 keys, 2 on this computer". */
export function countOf(ring: KeyRing): string {
  const own = ring.keys.filter((key) => key.own).length;
  const all = ring.keys.length;
  return `${all} ${all === 1 ? "key" : "keys"}, ${own} on this computer`;
}

/** A mark on the time axis. */
export interface Tick {
  /** From 0 to 100. */
  at: number;
  label: string;
}

const day = 86_400_000;
const months = ["Jan", "Apr", "Jul", "Oct"];

/** The axis from now on: to the last end with room for its label, at least 90 days; a mark each quarter. */
export function axis(ends: string[], now: number): { span: number; ticks: Tick[] } {
  const last = Math.max(90 * day, ...ends.map((end) => Date.parse(end) - now));
  const span = last * 1.35;
  const ticks: Tick[] = [];
  const start = new Date(now);
  /** The year began too close to "Today": the next mark says it. */
  let year = "";
  let month = Math.floor(start.getUTCMonth() / 3) * 3 + 3;
  for (;;) {
    const at = Date.UTC(start.getUTCFullYear(), month, 1);
    const share = ((at - now) / span) * 100;
    if (share > 97) break;
    const begins = new Date(at).getUTCMonth() === 0;
    const full = String(new Date(at).getUTCFullYear());
    const label = begins ? full : `${months[new Date(at).getUTCMonth() / 3] ?? ""}${year}`;
    // Close to "Today" two words would lie over each other.
    if (share > 9) {
      ticks.push({ at: share, label });
      year = "";
    } else if (begins) year = ` ${full}`;
    month += 3;
  }
  return { span, ticks };
}
