import type { Board } from "../../bindings/Board";
import type { Channel } from "../../bindings/Channel";
import type { Gate } from "../../bindings/Gate";
import type { IpcError } from "../../bindings/IpcError";
import type { PreviousRelease } from "../../bindings/PreviousRelease";
import type { Release } from "../../bindings/Release";
import type { RootPreview } from "../../bindings/RootPreview";
import type { Serving } from "../../bindings/Serving";
import type { Validity } from "../../bindings/Validity";
import type { Workspace } from "../../bindings/Workspace";

/** Sample data: what a small team's app looks like after a few months. */

const minute = 60_000;
const hour = 60 * minute;
export const day = 24 * hour;

/** A moment before now, as the engine writes it. */
export function ago(now: number, ms: number): string {
  return new Date(now - ms).toISOString();
}

/** 64 hex digits that begin with the given ones and are the same on every run. */
export function digest(start: string): string {
  let state = 0x811c9dc5;
  for (const char of start) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193) >>> 0;
  let hex = start;
  while (hex.length < 64) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    hex += state.toString(16).padStart(8, "0");
  }
  return hex.slice(0, 64);
}

export const workspace: Workspace = {
  id: "acme",
  app: "com.acme.field",
  name: "Acme Field",
  storage: "file:///srv/ota",
  publicUrl: "https://updates.acme.example/field/",
  sandbox: false,
  units: [{ id: "main", label: "Main bundle" }],
  vault: { kind: "os", label: "Secret Service", why: null },
  sampleBuild: null,
  waiting: null,
};

/** The same app with its registry in a bucket. */
export const bucket: Workspace = { ...workspace, storage: "s3://field-updates/acme-field?region=eu-north-1" };

export const sandbox: Workspace = {
  ...workspace,
  id: "sandbox",
  app: "com.example.sandbox",
  name: "Sandbox",
  storage: "file:///home/sam/.local/share/headgate/sandbox/registry",
  publicUrl: "http://127.0.0.1:41873/",
  sandbox: true,
  sampleBuild: "www",
  waiting: null,
};

export const root: RootPreview = {
  handle: "root-1",
  file: "1.root.json",
  app: "com.acme.field",
  name: "Acme Field",
  owners: ["Ines Caro", "Jonas Weber", "Mara Lindqvist"],
  threshold: 2,
  created: "2026-01-12T09:30:00Z",
  fingerprint: "7be204d9c61a9f3058abe14720c56d7e91f83b06d24c8ea517b3f9604ad2c87f",
  words: [
    "lantern",
    "copper",
    "orbit",
    "meadow",
    "saffron",
    "glacier",
    "ribbon",
    "falcon",
    "harbor",
    "cinder",
    "velvet",
    "tundra",
  ],
};

function release(version: string, build: number, start: string, more: Partial<Release>): Release {
  return {
    version,
    build,
    sha256: digest(start),
    manifest: digest(start.split("").reverse().join("")),
    size: 11_900_000,
    files: 684,
    message: null,
    commit: null,
    author: null,
    created: "2026-07-14T09:00:00Z",
    native: "Native 4.1.0 – 4.2.x",
    allowed: 0,
    ...more,
  };
}

function before(version: string, build: number, start: string, released: string): PreviousRelease {
  return { version, build, sha256: digest(start), released };
}

export const offline: IpcError = {
  code: "storage.missing",
  message: "No connection to storage: the folder /srv/ota is not mounted.",
  holds: "Devices get what they got before. You can read everything here.",
  remedy: "Mount the folder, then try again.",
  detail: "file:///srv/ota: No such file or directory (os error 2)",
  retryable: true,
  field: null,
};

export const unreadable: IpcError = {
  code: "trust.other_workspace",
  message: "This storage holds the registry of another workspace.",
  holds: "Nothing was read into this workspace and nothing was written. The pinned root stays as it was.",
  remedy: "Check the storage address, or connect that registry as a workspace of its own.",
  detail: "pinned 7be2 04d9, found 5c10 aa3e",
  retryable: false,
  field: null,
};

function levelOf(usedPermille: number): string {
  if (usedPermille >= 1000) return "over";
  if (usedPermille >= 800) return "late";
  return usedPermille >= 500 ? "half" : "fine";
}

export function lifetime(now: number, usedPermille: number, days = 30): Validity {
  const length = days * day;
  const used = (length * usedPermille) / 1000;
  return { signed: ago(now, used), expires: ago(now, used - length), usedPermille, level: levelOf(usedPermille) };
}

function channel(now: number, id: string, label: string, stage: string, more: Partial<Channel>): Channel {
  return {
    id,
    label,
    stage,
    signatures: 1,
    confirm: stage === "live" ? "typed" : "plain",
    startPermille: stage === "live" ? 10 : 1000,
    minHours: stage === "live" ? 24 : 0,
    gate: stage === "live" ? { minSample: 500, maxFailurePermille: 10 } : null,
    validity: lifetime(now, 120, 365),
    current: null,
    previous: [],
    served: (more.current ?? null) !== null,
    frozen: null,
    ...more,
  };
}

/** A unit into which nobody has shipped yet. */
export function emptyBoard(now: number, of: Workspace): Board {
  return {
    workspace: of.id,
    unit: of.units[0] ?? { id: "main", label: "Main bundle" },
    asOf: ago(now, 2 * minute),
    offline: null,
    freshness: lifetime(now, 10),
    channels: [
      channel(now, "development", "Development", "internal", { validity: null }),
      channel(now, "staging", "Staging", "test", { validity: null }),
      channel(now, "production", "Production", "live", { validity: null }),
    ],
    gates: [emptyGate("development", "staging"), emptyGate("staging", "production")],
    devicesKnown: false,
  };
}

export function emptyGate(from: string, to: string): Gate {
  return { from, to, state: "empty", label: "Empty", reason: `Nothing is released to ${from} yet.`, build: null };
}

/** A unit with releases on every channel. */
export function fullBoard(now: number, of: Workspace): Board {
  const r424 = release("4.2.4", 1301, "a3b169cc", {
    message: "Faster map start, fewer tile requests",
    commit: "8f2cbd0c45b1f0e7b4b4e2a0b5a0a1f6f6dd0a01",
    author: "Mara Lindqvist",
  });
  const r425 = release("4.2.5", 1308, "1d5050ae", {
    message: "Offline photo queue for inspections",
    commit: "689441f2ad0f1c0aa2c9be0d6c0e3c0a5f0e4b77",
    author: "Jonas Weber",
  });
  const r426 = release("4.2.6", 1312, "1955d1e5", {
    message: "Retry sync on slow LTE, clearer error",
    commit: "c14df2d80b6a4b6fb0c1b31a7f3f5b0c1f9a1e20",
    author: "Priya Nair",
  });
  const p424 = before("4.2.4", 1301, "a3b169cc", ago(now, 10 * day));
  const p423 = before("4.2.3", 1294, "4415722c", ago(now, 22 * day));
  const p422 = before("4.2.2", 1287, "07bdb43e", ago(now, 35 * day));
  const serving = (of: Release, since: number, by: string, more: Partial<Serving> = {}): Serving => ({
    release: of,
    state: "complete",
    permille: 1000,
    base: null,
    othersEmbedded: false,
    steps: [],
    since: ago(now, since),
    by,
    health: null,
    ...more,
  });
  return {
    ...emptyBoard(now, of),
    channels: [
      channel(now, "development", "Development", "internal", {
        current: serving(r426, 38 * minute, "Priya Nair"),
        previous: [before("4.2.5", 1308, "1d5050ae", ago(now, 2 * day)), p424, p423],
        frozen: null,
      }),
      channel(now, "staging", "Staging", "test", {
        current: serving(r425, 26 * hour, "Jonas Weber"),
        previous: [p424, p423, p422],
        frozen: null,
      }),
      channel(now, "production", "Production", "live", {
        signatures: 2,
        current: serving(r424, 9 * day, "Mara Lindqvist", {
          state: "rolling_out",
          permille: 250,
          base: p423,
          steps: [10, 50, 100, 250, 500, 1000],
        }),
        previous: [p423, p422, before("4.2.1", 1276, "e905a11f", ago(now, 49 * day))],
        frozen: null,
      }),
    ],
    gates: [
      {
        from: "development",
        to: "staging",
        state: "open",
        label: "Ready",
        reason: "Your key may approve 4.2.6 on staging.",
        build: 1312,
      },
      {
        from: "staging",
        to: "production",
        state: "closed",
        label: "Key not here",
        reason: "Production needs 2 signatures; this computer has 1 of the keys.",
        build: 1308,
      },
    ],
  };
}
