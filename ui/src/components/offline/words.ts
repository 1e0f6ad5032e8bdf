/** Words and small rules of the offline workstation. */

import type { OfflineReview } from "../../lib/bindings/OfflineReview";

/** A piece of the title; the release and the channel are emphasised. */
export interface Piece {
  text: string;
  strong: boolean;
}

/** Splits "Promote 4.2.5 to production" so that what is released and where stand out. */
export function pieces(title: string): Piece[] {
  const strong = /(\d+\.\d+\.\d+[^\s,;]*|build \d+|(?<= (?:to|for|approvals of) )[a-z0-9-]+(?=;|$| of ))/gu;
  return title
    .split(strong)
    .filter((text) => text !== "")
    .map((text) => ({ text, strong: text.match(strong)?.[0] === text || /^[a-z0-9-]+$/u.test(text) }));
}

/** What the button signs. */
export function signs(title: string): string {
  if (title.startsWith("Promote")) return "Sign promotion";
  if (title.startsWith("Approve")) return "Sign approval";
  if (title.startsWith("Make")) return "Sign new registry";
  return "Sign change";
}

export const standings: Record<string, { word: string; tone: "accent" | "ok" | "warn" | "danger" | "muted" }> = {
  to_sign: { word: "To sign", tone: "accent" },
  signed: { word: "Signed", tone: "ok" },
  refused: { word: "Refused", tone: "muted" },
  expired: { word: "Expired", tone: "warn" },
  unreadable: { word: "Not readable", tone: "danger" },
};

/** Heads of alarms by their kind. */
export const alarms: Record<string, string> = {
  new_workspace: "New root of trust",
  threshold: "Fewer signatures would do",
  prev: "Not based on what is known here",
  version: "Not newer than what was signed here",
  expiry: "Valid for too long, or no more",
  request: "The request has expired",
  bundle: "Another bundle is on the drive",
};

/** What was done, for the history. */
export const deeds: Record<string, string> = {
  signed: "Signed",
  refused: "Refused",
  pinned: "Root pinned",
  key_created: "Key made",
  key_imported: "Key imported",
  key_exported: "Key exported",
  key_found: "Key found in a vault",
  damaged: "Damaged entry",
};

/** "+148 KB" or "−96 KB", with a sign that reads as one. */
export function signed(delta: number, bytes: (value: number) => string): string {
  if (delta === 0) return "same size";
  return `${delta > 0 ? "+" : "−"}${bytes(Math.abs(delta))}`;
}

/** Why what plugins need cannot be made here; nothing when it can, or nothing is to be made. */
export function whyNotMade(review: Pick<OfflineReview, "clients" | "keys" | "release">): string | null {
  const key = review.keys[0];
  for (const one of review.clients) {
    if (one.vault === null) return `This workstation does not have the RSA key ‘${one.key}’ of ${one.channel}.`;
    if (key !== undefined && key.vault !== one.vault)
      return `‘${one.key}’ and ‘${key.name}’ are in two vaults. Import one into the other's.`;
    if (review.release?.verdict !== "matches")
      return "Its bundle has to lie beside the request: it is signed for plugins.";
  }
  return null;
}
