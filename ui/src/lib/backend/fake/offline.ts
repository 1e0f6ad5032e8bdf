import type { OfflineAnswer } from "../../bindings/OfflineAnswer";
import type { OfflineKey } from "../../bindings/OfflineKey";
import type { OfflineReview } from "../../bindings/OfflineReview";
import type { OfflineRoot } from "../../bindings/OfflineRoot";
import type { OfflineState } from "../../bindings/OfflineState";
import type { CommandMap } from "../../bindings/CommandMap";
import type { Command } from "../backend";

type Handlers = { [C in Command]?: (request: CommandMap[C][0]) => CommandMap[C][1] };

/** Scenarios of an offline workstation: `-setup` has nothing yet, `-alarms` a request that nobody should sign. */
export type Workstation = "workstation" | "workstation-setup" | "workstation-alarms";

export function isWorkstation(scenario: string): scenario is Workstation {
  return scenario.startsWith("workstation");
}

const words = "violet oyster ember quartz thistle wharf amber indigo pebble velvet willow nectar".split(" ");
const hash = "1d5050ae447a058ef4c31f6392a2ee2050067426b10d1b2e0e2988df371bd8d8";
/** Looks like a code; it is none. */
const code = {
  side: 21,
  path: "M0 0h7v1h-7zM0 1h1v5h-1zM6 1h1v5h-1zM0 6h7v1h-7zM2 2h3v3h-3zM9 3h4v2h-4zM12 8h6v3h-6z",
};

const root: OfflineRoot = {
  handle: "root",
  app: "com.acme.field",
  name: "Acme Field",
  fingerprint: hash,
  words,
  owners: ["Mara Lindqvist", "Jonas Weber", "Priya Nair"].map((holder, n) => ({
    name: `${holder.split(" ")[0] ?? ""} 2026`,
    holder,
    id: `${String(n)}${hash.slice(1)}`,
  })),
  threshold: 2,
  made: "2026-06-01T09:00:00Z",
  pinned: true,
};

const key: OfflineKey = {
  id: hash,
  words,
  name: "Acme vault 2026",
  public: hash,
  vault: "os",
  created: "2026-06-01T09:10:00Z",
  qr: code,
};

const before = (now: number, minutes: number): string => new Date(now - minutes * 60_000).toISOString();

/** A request that an operator may well sign; with `alarms`, one that nobody should. */
export function reviewOf(now: number, handle: string, alarms: boolean): OfflineReview {
  return {
    handle,
    sha256: hash,
    title: alarms ? "Change channels, their keys or settings" : "Promote 4.2.5 to production",
    app: root.app,
    name: root.name,
    by: "Mara Lindqvist",
    reason: "Fixes the photo queue",
    created: before(now, 14),
    expires: before(now, -1_426),
    roles: [
      {
        role: alarms ? "targets" : "main.production",
        version: 14,
        against: 13,
        sha256: hash,
        words,
        have: 1,
        need: 2,
        expires: before(now, -180 * 1440),
        lines: [
          ...(alarms
            ? [
                {
                  what: "Signs main.production",
                  before: "2 of 3: Mara, Jonas, Priya",
                  after: "1 of 3: Mara, Jonas, Priya",
                  mark: "danger",
                },
              ]
            : [
                {
                  what: "May be served: build 1308",
                  before: "no",
                  after: "4.2.5 build 1308, native any",
                  mark: "changed",
                },
              ]),
          { what: "Channel", before: "production of unit main", after: "production of unit main", mark: "same" },
          { what: "Version", before: "13", after: "14", mark: "changed" },
        ],
        keys: [
          { name: "Mara 2026", holder: "Mara Lindqvist", id: "0d5050ae", signed: true, arrived: null, own: false },
          { name: key.name, holder: "Ines", id: "1d5050ae", signed: false, arrived: null, own: true },
        ],
      },
    ],
    alarms: alarms
      ? [
          { kind: "threshold", text: "main.production needs 1 of 3 signatures instead of 2 of 3." },
          { kind: "prev", text: "targets: the version before is not the one that its signed bytes name." },
        ]
      : [],
    release: alarms
      ? null
      : {
          version: "4.2.5",
          build: 1308,
          unit: "main",
          native: "iOS 4.1.0 – 4.2.x",
          commit: "9f3c2a1",
          bundle: hash,
          words,
          verdict: "matches",
          says: "Matches the bundle on the drive",
        },
    changes: alarms
      ? null
      : {
          version: "4.2.4",
          signedHere: before(now, 9 * 1440),
          added: 2,
          removed: 2,
          changed: 23,
          identical: 643,
          files: [
            { path: "photos-queue.5d9c20.js", change: "added", delta: 148_000 },
            { path: "upload-form.3b1a77.js", change: "removed", delta: -96_000 },
            { path: "main.a1f2c8.js", change: "changed", delta: 71_000 },
            { path: "assets/img/spinner.gif", change: "removed", delta: -44_000 },
            { path: "assets/i18n/ja.json", change: "added", delta: 38_000 },
            { path: "styles.c1d2.css", change: "changed", delta: -2_000 },
          ],
        },
    clients: [],
    made: 0,
    keys: [key],
    signed: false,
    complete: false,
    answer: null,
  };
}

/** Sample workstation. */
export function offlineHandlers(scenario: Workstation, now: () => number): Handlers {
  const fresh = scenario === "workstation-setup";
  const alarming = scenario === "workstation-alarms";
  const folder = { name: "HEADGATE-2", path: "/media/HEADGATE-2", here: true };
  let state: OfflineState = {
    roots: fresh ? [] : [root],
    keys: fresh ? [] : [key],
    rsa: [],
    folder: fresh ? null : folder,
    last: null,
    keychain: "Secret Service",
  };
  const standing = new Map<string, string>([
    ["c", "signed"],
    ["d", "expired"],
  ]);
  const answer = (request: string, did: string): OfflineAnswer => {
    standing.set(request, did);
    return {
      request,
      title: reviewOf(now(), request, alarming).title,
      did,
      at: before(now(), 0),
      size: 412,
      file: "1f0a9c3e-acme-vault-2026.hgresponse",
      saved: "1f0a9c3e-acme-vault-2026.hgresponse",
      qr: code,
    };
  };
  const listed = [
    { handle: "a", by: "Mara Lindqvist", minutes: 14 },
    { handle: "b", by: "Jonas Weber", minutes: 120 },
    { handle: "c", by: "Priya Nair", minutes: 195 },
    { handle: "d", by: "Jonas Weber", minutes: 8 * 1440 },
  ];
  return {
    offline_state: () => state,
    offline_root_pick: () => ({ root: { ...root, pinned: false } }),
    offline_root_pin: () => (state = { ...state, roots: [root] }),
    offline_key_create: ({ name, vault, rsa }) => {
      if (rsa) {
        const made = { sha256: hash, words, name, vault, created: before(now(), 0) };
        state = { ...state, rsa: [...state.rsa, made] };
        return { key: null, rsa: made };
      }
      const made = { ...key, name, vault };
      state = { ...state, keys: [...state.keys, made] };
      return { key: made, rsa: null };
    },
    offline_key_import: ({ name, vault }) => {
      state = { ...state, keys: [{ ...key, name, vault }] };
      return { key: { ...key, name, vault }, rsa: null };
    },
    offline_key_save: () => ({ file: "acme-vault-2026.hgkey", folder: folder.name }),
    offline_folder_choose: () => (state = { ...state, folder }),
    offline_requests: () => ({
      folder: state.folder,
      readAt: before(now(), 0),
      list: state.folder
        ? listed.map(({ handle, by, minutes }) => ({
            handle,
            file: `${handle}.hgrequest`,
            standing: standing.get(handle) ?? "to_sign",
            title: reviewOf(now(), handle, alarming).title,
            app: root.name,
            by,
            created: before(now(), minutes),
            problem: null,
          }))
        : [],
      problem: null,
    }),
    offline_scan: () => ({ handle: "b" }),
    offline_review: ({ handle }) => reviewOf(now(), handle, alarming),
    offline_sign: ({ handle }) => answer(handle, "signed"),
    offline_refuse: ({ handle }) => answer(handle, "refused"),
    offline_answer_save: () => ({ file: "1f0a9c3e-acme-vault-2026.hgresponse", folder: folder.name }),
    offline_history: () => ({
      entries: [
        {
          at: before(now(), 195),
          did: "signed",
          title: "Promote 1.9.2 to production",
          app: root.app,
          roles: ["main.production version 13"],
          accepted: [],
          reason: "",
        },
      ],
    }),
    offline_history_export: () => ({ file: "history-2026-07-16.jsonl", folder: folder.name }),
  };
}
