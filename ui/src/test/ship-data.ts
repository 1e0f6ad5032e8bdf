import type { Inspection } from "../lib/bindings/Inspection";
import type { IpcError } from "../lib/bindings/IpcError";
import type { JobObject } from "../lib/bindings/JobObject";
import type { PromotePlan } from "../lib/bindings/PromotePlan";
import type { Receipt } from "../lib/bindings/Receipt";
import type { SignPlan } from "../lib/bindings/SignPlan";

export const BUNDLE = "06f2aa558d0240a44706e176d62d30882ab10469669e30a0f5da4fd7d1f785c6";
export const MANIFEST = "b04e71c922fa9d06e3b85510c7f40a6d8812f96b3d40a5e71cbe60d37f29e44a";
export const ENTRY = "90d1b2c74a118e6f02d95b3c7d60e1f8a4429bb05c1e73d6f8810a2c3b9d4ef0";
const KEY = "86e0396b1c55d0fa7e2248b9c0d3417f5a6b8e9d20c14f37a8b5962ed1c07f43";
const FRESH_KEY = "3ad17c90e5b2468f1d0c9b7a6e5f4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c";

/** An inspection with one blocking error, so that every part of the first step has something to show. */
export function inspectionData(handle: string, name: string, excluded: boolean, picked: string): Inspection {
  return {
    handle,
    name,
    kind: name.endsWith(".zip") ? "zip" : "folder",
    location: null,
    picked,
    tookMs: 1400,
    files: excluded ? 670 : 684,
    size: excluded ? 28_400_000 : 38_000_000,
    compressed: excluded ? 9_800_000 : 11_900_000,
    sha256: BUNDLE,
    toUpload: excluded ? 1_100_000 : 1_800_000,
    changes: [
      { channel: "development", against: "4.2.6, build 1312", added: 3, removed: 0, changed: 17 },
      { channel: "staging", against: "4.2.5, build 1308", added: 9, removed: 2, changed: 33 },
      { channel: "production", against: "4.2.4, build 1301", added: 12, removed: 3, changed: 41 },
    ],
    findings: [
      {
        code: "secret.token",
        severity: "error",
        title: "Possible secret",
        text: 'MAPS_KEY: "AIzaSyC…q4" would be readable on every device.',
        path: "assets/env.js",
        line: 3,
        fix: "Move it to the server, or allow it with a reason if it is meant to be public.",
        allowable: true,
      },
      {
        code: "zip.slow_ios",
        severity: "warning",
        title: "Zip takes 32 s on iOS at 3 Mbit/s, limit 25 s",
        text: "11.9 MB in one file. Clients that fetch single files need 1.8 MB.",
        path: null,
        line: null,
        fix: "Leave out source maps and large media.",
        allowable: false,
      },
      ...(excluded
        ? []
        : [
            {
              code: "maps.included",
              severity: "warning",
              title: "14 source maps included",
              text: "9.6 MB of readable source would reach every device.",
              path: null,
              line: null,
              fix: "Exclude them here, or build without source maps.",
              allowable: false,
            },
          ]),
      {
        code: "build.index",
        severity: "ok",
        title: "index.html present",
        text: "At the bundle root, 4.1 KB, all 9 references resolve.",
        path: null,
        line: null,
        fix: "",
        allowable: false,
      },
      {
        code: "build.commit",
        severity: "info",
        title: "Web build lies in a checkout at commit b71c9e2",
        text: "Branch release/4.2.",
        path: null,
        line: null,
        fix: "",
        allowable: false,
      },
    ],
    passed: 9,
    biggest: [
      { path: "assets/video/onboarding.mp4", size: 6_200_000 },
      { path: excluded ? "assets/img/hero.png" : "main.8c41f0.js.map", size: 5_100_000 },
      { path: "assets/fonts/NotoSansJP.woff2", size: 4_400_000 },
      { path: "vendor.a92e11.js", size: 3_100_000 },
      { path: "main.8c41f0.js", size: 1_900_000 },
    ],
    sourceMaps: 14,
    sourceMapBytes: 9_600_000,
    sourceMapsExcluded: excluded,
    version: "4.2.7",
    build: 1316,
    commit: "b71c9e2f04d86a13c5590ae7d21f6b88e3c4079a",
    reference: "release/4.2",
    message: "Photo queue survives app restart",
  };
}

function keys(): SignPlan["keys"] {
  return [
    {
      name: "Acme release 2026",
      purpose: "Approvals",
      algorithm: "Ed25519",
      fingerprint: KEY,
      needed: "1 of 1 needed",
      here: true,
    },
    {
      name: "Freshness key",
      purpose: "Rollouts and freshness",
      algorithm: "Ed25519",
      fingerprint: FRESH_KEY,
      needed: "1 of 1 needed",
      here: true,
    },
  ];
}

function roles(build: number, channel: string, permille: number): SignPlan["roles"] {
  const share = `Serves it now, to ${String(permille / 10)} %`;
  return [
    {
      role: `main.${channel}`,
      before: 17,
      now: 18,
      says: `Build ${String(build)} may be served here`,
      key: "Acme release 2026",
    },
    { role: `main.${channel}.rollout`, before: 23, now: 24, says: share, key: "Acme release 2026" },
    { role: "snapshot", before: 41, now: 42, says: "Lists the versions above", key: "Freshness key" },
    { role: "timestamp", before: 96, now: 97, says: "This is current until 15 Aug", key: "Freshness key" },
  ];
}

const VAULT = { kind: "os", label: "Secret Service", why: null };

export const NO_KEY: IpcError = {
  code: "key.not_in_keychain",
  message: "Your key is recorded, but this keychain does not have it. ‘Acme release 2026’ was made on mara-mbp-14.",
  holds: "No new key is made here, and nothing was signed.",
  remedy: "Import the key from its backup, or sign on the computer that has it.",
  detail: null,
  retryable: false,
  field: null,
};

export interface PlanWish {
  version: string;
  build: number;
  channel: string;
  native: string;
  findings: SignPlan["findings"];
  permille: number;
}

export function signPlanData(wish: PlanWish, missingKey: boolean): SignPlan {
  return {
    plan: `plan-${wish.channel}-${String(wish.build)}`,
    version: wish.version,
    build: wish.build,
    unit: "main",
    channel: wish.channel,
    permille: wish.permille,
    native: wish.native,
    sha256: BUNDLE,
    manifest: MANIFEST,
    roles: roles(wish.build, wish.channel, wish.permille),
    keys: keys().map((key, index) => (index === 0 ? { ...key, here: !missingKey } : key)),
    vault: VAULT,
    problem: missingKey ? NO_KEY : null,
    canAsk: false,
    missing: [],
    findings: wish.findings,
    typeToConfirm: wish.channel === "production" ? "production" : null,
    files: 684,
    size: 11_900_000,
    toUpload: 1_800_000,
  };
}

export function promotePlanData(
  from: string,
  to: string,
  build: number,
  permille: number,
  at: string,
  differ: boolean,
): PromotePlan {
  return {
    plan: `promote-${to}-${String(build)}-${String(permille)}`,
    release: {
      version: "4.2.5",
      build,
      sha256: BUNDLE,
      manifest: MANIFEST,
      size: 11_900_000,
      files: 684,
      message: "Photo queue survives app restart",
      commit: "b71c9e2f04d86a13c5590ae7d21f6b88e3c4079a",
      author: null,
      created: at,
      native: "all native versions",
      allowed: 1,
    },
    from,
    to,
    fromSays: "Complete 100 %",
    replaces: "replaces 4.2.4, build 1301",
    starts: `Starts at ${String(permille / 10)} %`,
    permille,
    fromSha256: BUNDLE,
    toSha256: differ ? ENTRY : BUNDLE,
    manifest: MANIFEST,
    recomputed: at,
    affected: [
      {
        title: `${String(permille / 10)} % of devices`,
        text: "get 4.2.5 first, a fixed random group of installs",
      },
      { title: "4.2.4 stays for everybody else", text: "until the share of 4.2.5 reaches them" },
      { title: "One click back", text: "to 4.2.4 or the embedded build, at any percentage" },
    ],
    roles: roles(build, to, permille),
    keys: keys(),
    vault: VAULT,
    problem: null,
    canAsk: false,
    missing: [],
    typeToConfirm: to === "production" ? "production" : null,
  };
}

const NAMES: [name: string, path: string | null][] = [
  [`bundles/${BUNDLE}.zip`, null],
  [`inventories/${MANIFEST}.json`, null],
  ["files/01", "main.8c41f0.js"],
  ["files/02", "styles.e20d9a.css"],
  ["files/03", "vendor.a92e11.js"],
  ["files/04", "assets/map/tiles.css"],
  ["files/05", "assets/i18n/sv.json"],
  ["files/06", "polyfills.77c0b1.js"],
  ["files/07", "assets/img/pin.png"],
  ["files/08", "assets/img/pin-selected.png"],
  ["metadata/18.main.development.json", null],
  ["metadata/24.main.development.rollout.json", null],
];

export function objectsData(bytes: number): JobObject[] {
  const each = Math.floor(bytes / NAMES.length);
  return NAMES.map(([name, path], index) => ({
    name,
    path,
    target: 0,
    sha256: `${BUNDLE.slice(index * 3)}${BUNDLE.slice(0, index * 3)}`,
    size: index === 0 ? bytes - each * (NAMES.length - 1) : each,
    sent: 0,
    state: "queued",
  }));
}

export function receiptData(version: string, build: number, channel: string, permille: number, at: Date): Receipt {
  const iso = (shift: number): string => new Date(at.getTime() + shift).toISOString();
  const next = channel === "development" ? "staging" : channel === "staging" ? "production" : null;
  return {
    app: "com.acme.field",
    unit: "main",
    channel,
    version,
    build,
    permille,
    headline: `A device in ${channel} now gets ${version}, build ${String(build)}`,
    replaces: "4.2.6, build 1312",
    signedSha256: BUNDLE,
    readBackSha256: BUNDLE,
    manifest: MANIFEST,
    size: 11_900_000,
    files: 684,
    uploadedBytes: 1_800_000,
    uploadedObjects: 12,
    skippedBytes: 36_200_000,
    skippedObjects: 631,
    started: iso(-52_000),
    committed: iso(-3_000),
    finished: iso(0),
    tookMs: 52_000,
    visibleAfterMs: null,
    fetchMs: 1_100,
    metadata: roles(build, channel, permille)
      .reverse()
      .map(({ role, before, now, key }) => ({ role, before, now, signedBy: key, readBack: true })),
    readFrom: "public_url",
    address: "http://127.0.0.1:8417/field",
    rootPinned: 1,
    rootNow: 1,
    freshUntil: iso(30 * 86_400_000),
    entry: ENTRY,
    next: [
      { title: `Devices in ${channel}`, text: `get ${version} at their next check` },
      { title: "4.2.6 stays approved", text: "roll back to it at any time" },
    ],
    gate:
      next === null
        ? null
        : {
            from: channel,
            to: next,
            state: "open",
            label: "Ready",
            reason: `The key for ${next} is on this computer.`,
            build,
          },
  };
}

export const CONFLICT: IpcError = {
  code: "publish.version_conflict",
  message: "Jonas Weber published meanwhile: main.development is at version 18, yours was made on 17.",
  holds: "Devices get 4.2.6, as before. Build 1316 is uploaded and signed, nothing is lost.",
  remedy: "Try again: version 18 is read and 4.2.7 is signed on top of it.",
  detail: "PUT timestamp.json: 412 Precondition Failed",
  retryable: true,
  field: null,
};
