import type { Activity } from "../../bindings/Activity";
import type { ActivityChange } from "../../bindings/ActivityChange";
import type { ActivityEntry } from "../../bindings/ActivityEntry";
import { offline } from "./data";

const hour = 3_600_000;

/** A hash that belongs to a number. */
function hash(number: number): string {
  return Array.from({ length: 8 }, (_, at) =>
    (Math.imul(number + 1, 2_654_435_761 + at * 40_503) >>> 0).toString(16).padStart(8, "0"),
  ).join("");
}

interface Act {
  ago: number;
  by: string;
  kind: string;
  group?: string;
  /** Words; those in stars are what it is about. */
  says: string;
  detail?: string;
  reason?: string;
  channel?: string;
  version?: string;
  build?: number;
  keys: string[];
  roles: [string, number | null, number][];
  changes?: ActivityChange[];
}

const acts: Act[] = [
  {
    ago: 1600,
    by: "Mara Lindqvist",
    kind: "init",
    group: "keys",
    says: "made the workspace with *development, staging and production*",
    detail: "com.acme.field, profile team",
    keys: ["Acme release 2026", "Mara’s laptop"],
    roles: [
      ["root", null, 1],
      ["targets", null, 1],
    ],
  },
  {
    ago: 150,
    by: "Priya Nair",
    kind: "ship",
    says: "released *4.2.4*, build 1301, to *development*",
    detail: "Offered to everyone; was 4.2.3 to everyone",
    channel: "development",
    version: "4.2.4",
    build: 1301,
    keys: ["Priya’s laptop"],
    roles: [
      ["main.development", 20, 21],
      ["main.development.rollout", 31, 32],
    ],
  },
  {
    ago: 144,
    by: "Ines Caro",
    kind: "halt",
    says: "halted *4.2.4* in *production* at *10 %*",
    reason: "Crash reports from native 4.1.0",
    channel: "production",
    version: "4.2.4",
    build: 1301,
    keys: ["QA desk"],
    roles: [["main.production.rollout", 17, 18]],
    changes: [{ what: "served in production", from: "4.2.4 at 10 %", to: "4.2.4 at 10 %, halted" }],
  },
  {
    ago: 80,
    by: "Mara Lindqvist",
    kind: "resume",
    says: "resumed *4.2.4* in *production* at *10 %*",
    reason: "Crash is in native 4.1.0 only, fixed by config",
    channel: "production",
    version: "4.2.4",
    build: 1301,
    keys: ["Mara’s laptop"],
    roles: [["main.production.rollout", 18, 19]],
  },
  {
    ago: 56,
    by: "Mara Lindqvist",
    kind: "advance",
    says: "advanced *4.2.4* in *production* to *25 %*",
    detail: "Was 10 %",
    channel: "production",
    version: "4.2.4",
    build: 1301,
    keys: ["Mara’s laptop"],
    roles: [["main.production.rollout", 19, 20]],
    changes: [{ what: "served in production", from: "4.2.4 at 10 %", to: "4.2.4 at 25 %" }],
  },
  {
    ago: 50,
    by: "CI",
    kind: "freshness",
    group: "freshness",
    says: "renewed freshness until *2026-08-14*",
    keys: ["CI freshness"],
    roles: [],
  },
  {
    ago: 30,
    by: "Jonas Weber",
    kind: "promote",
    says: "promoted *4.2.5* from development to *staging*",
    detail: "Offered to everyone; was 4.2.4 to everyone",
    channel: "staging",
    version: "4.2.5",
    build: 1308,
    keys: ["Jonas’s laptop"],
    roles: [
      ["main.staging", 14, 15],
      ["main.staging.rollout", 22, 23],
    ],
    changes: [
      { what: "approved on staging", from: null, to: "4.2.5, build 1308" },
      { what: "served in staging", from: "4.2.4 to everyone", to: "4.2.5 to everyone" },
    ],
  },
  {
    ago: 4,
    by: "Mara Lindqvist",
    kind: "keys",
    group: "keys",
    says: "added the key *‘CI freshness’* for snapshot and timestamp",
    keys: ["Acme release 2026"],
    roles: [["root", 2, 3]],
    changes: [{ what: "key for snapshot", from: null, to: "CI freshness" }],
  },
  {
    ago: 2,
    by: "Priya Nair",
    kind: "ship",
    says: "released *4.2.6*, build 1312, to *development*",
    detail: "Offered to everyone; was 4.2.5 to everyone",
    reason: "<b>Offline maps</b>",
    channel: "development",
    version: "4.2.6",
    build: 1312,
    keys: ["Priya’s laptop"],
    roles: [
      ["main.development", 21, 22],
      ["main.development.rollout", 32, 33],
    ],
  },
];

/** Entries of the sample log, newest first. */
export function sampleEntries(now: number): ActivityEntry[] {
  const entries = acts.map((act, index) => ({
    number: index + 1,
    hash: hash(index + 1),
    prev: index === 0 ? null : hash(index),
    at: new Date(now - act.ago * hour).toISOString(),
    by: act.by,
    reason: act.reason ?? "",
    kind: act.kind,
    group: act.group ?? "releases",
    says: act.says
      .split("*")
      .map((text, at) => ({ text, strong: at % 2 === 1 }))
      .filter((part) => part.text !== ""),
    detail: act.detail ?? null,
    changes: act.changes ?? [],
    unit: act.channel === undefined ? null : "main",
    channel: act.channel ?? null,
    version: act.version ?? null,
    build: act.build ?? null,
    keys: act.keys,
    roles: act.roles.map(([role, was, version]) => ({ role, was, version, signedBy: act.keys })),
    state: "verified",
    why: null,
  }));
  return entries.reverse();
}

/** The log as a scenario has it. */
export function activityOf(now: number, scenario: string, read: string): Activity {
  const entries = sampleEntries(now);
  const bad = scenario === "broken" ? entries.find((entry) => entry.number === 4) : undefined;
  if (bad) {
    bad.state = "bad";
    bad.why = "main.production.rollout version 19: its file is not the one that version 20 names";
  }
  return {
    verdict: {
      state: bad ? "broken" : "verified",
      head: entries[0]?.hash ?? null,
      entry: bad ? 4 : null,
      role: bad ? "main.production.rollout version 19" : null,
      why: bad ? "its file is not the one that version 20 names" : null,
    },
    entries,
    local: [
      {
        at: new Date(now - hour / 4).toISOString(),
        kind: "synced",
        title: "Storage was read and verified",
        detail: "s3://acme-ota/field",
        unit: null,
        channel: null,
      },
      {
        at: new Date(now - 3 * hour).toISOString(),
        kind: "job_failed",
        title: "Promote 4.2.5 to production failed",
        detail: "The connection was reset. (storage.io)",
        unit: "main",
        channel: "production",
      },
    ],
    readAt: new Date(now - (scenario === "offline" ? 26 * hour : 0)).toISOString(),
    provenAt: new Date(now - (read === "anew" ? 0 : 30 * hour)).toISOString(),
    cached: read === "anew" ? 0 : 40,
    offline: scenario === "offline" ? offline : null,
  };
}
