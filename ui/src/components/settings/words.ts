import type { Channel } from "../../lib/bindings/Channel";
import type { Delivers } from "../../lib/bindings/Delivers";

/** What a dialog about settings is opened for. */
export type SettingsAsked =
  { what: "mirror" } | { what: "deliver"; now: Delivers } | { what: "channel"; channel: Channel };

/** What releases can put into storage. */
export type DeliverWay = "zip" | "files" | "both";

export const ways: readonly { id: DeliverWay; title: string; says: string; delivers: Delivers }[] = [
  {
    id: "zip",
    title: "Their zip",
    says: "One object a release. Every device client can take it, and downloads all of it each time.",
    delivers: { zip: true, files: false },
  },
  {
    id: "files",
    title: "Their files, each by itself",
    says: "A device fetches what changed alone, and a release sends that alone. Clients that take a zip get nothing.",
    delivers: { zip: false, files: true },
  },
  {
    id: "both",
    title: "Both",
    says: "Every client is served, at the cost of storing each release twice.",
    delivers: { zip: true, files: true },
  },
];

export function wayOf({ zip, files }: Delivers): DeliverWay {
  return zip && files ? "both" : files ? "files" : "zip";
}

export function titleOf(way: DeliverWay): string {
  return ways.find(({ id }) => id === way)?.title ?? way;
}

/** Days after which an upload in parts that nobody ended is given up. */
export const SWEEP_DAYS = 7;

function urlOf(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** Decoded; nothing when it is no text. */
function pathOf(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

/** A storage address as a person reads it: "s3.acme.example · field-updates / ota/". The whole stands in the title. */
export function placeOf(address: string): string {
  const url = urlOf(address);
  if (url?.protocol === "file:") return pathOf(url.pathname) ?? address;
  if (url?.protocol !== "s3:") return address;
  const endpoint = urlOf(url.searchParams.get("endpoint") ?? "");
  const region = url.searchParams.get("region");
  const host = endpoint?.host ?? (region === null ? "Amazon S3" : `Amazon S3, ${region}`);
  const prefix = url.pathname.replace(/^\/+|\/+$/gu, "");
  return prefix === "" ? `${host} · ${url.host}` : `${host} · ${url.host} / ${prefix}/`;
}

/** Two writers are kept apart by a lock object, since the storage ignores conditional writes. */
export function usesLock(address: string): boolean {
  return urlOf(address)?.searchParams.get("lock") === "1";
}
