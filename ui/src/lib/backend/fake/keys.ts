import type { ClientSetup } from "../../bindings/ClientSetup";
import type { CommandMap } from "../../bindings/CommandMap";
import type { IpcError } from "../../bindings/IpcError";
import type { KeyCard } from "../../bindings/KeyCard";
import type { KeyRing } from "../../bindings/KeyRing";
import type { RoleRow } from "../../bindings/RoleRow";
import type { Command } from "../backend";
import { ago, day, digest, lifetime, root } from "./data";

type Handlers = { [C in Command]?: (request: CommandMap[C][0]) => CommandMap[C][1] | Promise<CommandMap[C][1]> };

const WORDS = "stone anchor velvet orbit maple cabin signal harvest copper lunar bridge walnut".split(" ");
const PEM =
  "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu5v0pYyVxj0Qp9Zb0d1x\n-----END PUBLIC KEY-----\n";

/** A problem with a key, as the engine words it. */
export function trouble(code: string, message: string, remedy: string): IpcError {
  return { code, message, remedy, holds: "No key was used.", detail: null, retryable: false, field: null };
}

/** Digits that follow from a name. */
function start(name: string): string {
  let sum = 0x811c9dc5;
  for (const char of name) sum = Math.imul(sum ^ char.charCodeAt(0), 0x01000193) >>> 0;
  return sum.toString(16).padStart(8, "0");
}

function card(start: string, name: string, purpose: string, more: Partial<KeyCard>): KeyCard {
  return {
    id: digest(start),
    name,
    holder: "",
    algorithm: "Ed25519",
    purpose,
    roles: [],
    channels: [],
    words: WORDS,
    public: digest(`${start}00`),
    own: true,
    here: true,
    created: null,
    used: null,
    exported: null,
    drilled: null,
    retired: null,
    problem: null,
    ...more,
  };
}

/** Keys of a team's member: two of her own, one for apps, three of colleagues. */
export function ringOf(now: number, vault: KeyRing["vault"]): KeyRing {
  const keys = [
    card("86e0396b", "Acme release 2026", "Owns the root; approves every channel", {
      holder: "Mara Lindqvist",
      created: ago(now, 188 * day),
      used: { at: ago(now, day / 100), role: "main.production", version: 41 },
      exported: ago(now, 187 * day),
      drilled: ago(now, 60 * day),
    }),
    card("5735e589", "Mara laptop", "Runs rollouts on every channel; signs freshness", {
      holder: "Mara Lindqvist",
      created: ago(now, 167 * day),
      used: { at: ago(now, day / 100), role: "timestamp", version: 108 },
      exported: ago(now, 2 * day),
    }),
    card("6bc67a6d", "Acme apps 2026", "For apps on production", {
      algorithm: "RSA-2048",
      channels: ["production"],
      public: PEM,
      created: ago(now, 90 * day),
      used: { at: ago(now, 12 * day), role: "main.production", version: 40 },
    }),
    card("c7416671", "Acme vault 2026", "Approves production", {
      own: false,
      here: false,
      holder: "Ines Duarte",
      used: { at: ago(now, 12 * day), role: "main.production", version: 40 },
    }),
  ];
  const [release, laptop, , offline] = keys;
  const named = (list: (KeyCard | undefined)[]): RoleRow["keys"] =>
    list.flatMap((key) => (key ? [{ id: key.id, name: key.name, holder: key.holder, own: key.own }] : []));
  const role = (channel: string, kind: "approve" | "rollout", threshold: number, list: (KeyCard | undefined)[]) => ({
    role: kind === "approve" ? `main.${channel}` : `main.${channel}.rollout`,
    kind,
    unit: "main",
    channel,
    label: kind === "approve" ? `Approvals on ${channel}` : `Rollouts on ${channel}`,
    threshold,
    keys: named(list),
  });
  const top = (name: string, kind: string, label: string, list: (KeyCard | undefined)[]): RoleRow => ({
    role: name,
    kind,
    unit: null,
    channel: null,
    label,
    threshold: 1,
    keys: named(list),
  });
  const roles = [
    top("root", "root", "Root", [release]),
    top("targets", "settings", "Settings", [release]),
    top("freshness", "freshness", "Freshness", [laptop]),
    role("development", "approve", 1, [release, laptop]),
    role("development", "rollout", 1, [laptop]),
    role("staging", "approve", 1, [release, laptop]),
    role("staging", "rollout", 1, [laptop]),
    role("production", "approve", 2, [release, offline]),
    role("production", "rollout", 1, [laptop]),
  ];
  return {
    vault,
    vaultProblem: null,
    keys: keys.map((key) => ({
      ...key,
      roles: roles.filter((role) => role.keys.some(({ id }) => id === key.id)).map(({ role }) => role),
    })),
    roles,
    expiry: [
      { role: "freshness", label: "Freshness", validity: lifetime(now, 220) },
      { role: "main.production.rollout", label: "Rollouts on production", validity: lifetime(now, 830, 90) },
      { role: "main.production", label: "Approvals on production", validity: lifetime(now, 560, 180) },
      { role: "main.staging", label: "Approvals on staging", validity: lifetime(now, 300, 180) },
      { role: "root", label: "Root", validity: lifetime(now, 200, 365) },
      { role: "targets", label: "Settings", validity: lifetime(now, 180, 365) },
    ],
    asOf: ago(now, 2 * 60_000),
    wordBits: 132,
  };
}

function setups(channel: string): ClientSetup[] {
  const pem = channel === "production" ? PEM : null;
  const line = pem === null ? "" : `    publicKey: ${JSON.stringify(pem)},\n`;
  const setup = (dialect: string, label: string, config: string, untested: string | null): ClientSetup => ({
    dialect,
    label,
    says: "It verifies bytes and trusts the server for what is current.",
    channel,
    config,
    publicKey: pem,
    untested,
  });
  return [
    setup("ionic", "Ionic Live Updates", `plugins: {\n  LiveUpdates: {\n    channel: "${channel}",\n  },\n},`, null),
    setup("capgo", "Capgo updater", `plugins: {\n  CapacitorUpdater: {\n${line}  },\n},`, null),
    setup(
      "capawesome",
      "Capawesome live update",
      `plugins: {\n  LiveUpdate: {\n${line}  },\n},`,
      "The update server does not answer this plugin yet.",
    ),
  ];
}

/** Keys of the sample engine. */
export class FakeKeys {
  /** Made at the first question. */
  ring: KeyRing | null = null;
  /** What the dialog for a key file gives back: `sealed`, `pem`; nothing = cancelled. */
  file: "sealed" | "pem" | null = "sealed";
  /** Where the dialog for a place writes to; nothing = cancelled. */
  path: string | null = "/media/stick/headgate-key.age";
  /** `solo` or `team`, as the root says. */
  profile = "team";
  /** A check finds that every trouble is over. */
  healed = true;

  readonly #now: () => number;
  readonly #vault: () => KeyRing["vault"];

  constructor(now: () => number, vault: () => KeyRing["vault"]) {
    this.#now = now;
    this.#vault = vault;
  }

  get known(): KeyRing {
    return (this.ring ??= ringOf(this.#now(), this.#vault()));
  }

  /** Changes one key. */
  change(id: string, more: Partial<KeyCard>): void {
    const keys = this.known.keys.map((key) => (key.id === id ? { ...key, ...more } : key));
    this.ring = { ...this.known, keys };
  }

  /** Puts the first key into a trouble of the engine, by its code. */
  upset(code: string | null): void {
    const first = this.known.keys[0];
    if (!code || !first) return;
    const says = `Your key ${first.id.slice(0, 16)} is recorded, but the Secret Service does not have it.`;
    this.change(first.id, { here: false, problem: trouble(code, says, "Import it from its backup.") });
  }

  #add(key: KeyCard): void {
    this.ring = { ...this.known, keys: [key, ...this.known.keys] };
  }

  readonly handlers: Handlers = {
    keys: () => this.known,
    keys_check: () => {
      if (this.healed) this.known.keys.forEach((key) => this.change(key.id, { problem: null, here: key.own }));
      return this.known;
    },
    vault_unlock: () => {
      this.known.keys.forEach((key) => this.change(key.id, { problem: null, here: key.own }));
      return {};
    },
    key_create: ({ kind, name, channel }) => {
      const rsa = kind === "rsa";
      const made = card(start(name), name, rsa ? `For apps on ${channel ?? ""}` : "No role accepts it", {
        algorithm: rsa ? "RSA-2048" : "Ed25519",
        created: ago(this.#now(), 0),
      });
      this.#add(made);
      return { id: made.id, job: null, accepted: kind !== "role" };
    },
    key_file_choose: () => ({
      item:
        this.file === null
          ? null
          : { handle: "key-1", name: `backup.${this.file === "sealed" ? "age" : "pem"}`, kind: this.file },
    }),
    key_import: ({ name }) => {
      const known = this.known.keys.find((key) => key.name === name);
      if (known) this.change(known.id, { problem: null, here: true });
      else this.#add(card(start(name), name, "No role accepts it", { created: ago(this.#now(), 0) }));
      return { id: known?.id ?? digest(start(name)), job: null, accepted: false };
    },
    key_export: ({ key }) => {
      if (this.path !== null) this.change(key, { exported: ago(this.#now(), 0), drilled: null });
      return { path: this.path };
    },
    key_drill: ({ key }) => {
      const at = ago(this.#now(), 0);
      this.change(key, { drilled: at, exported: at });
      return { at };
    },
    key_retire: ({ key }) => {
      this.change(key, { retired: ago(this.#now(), 0) });
      return {};
    },
    key_delete: ({ key }) => {
      this.ring = { ...this.known, keys: this.known.keys.filter((known) => known.id !== key) };
      return {};
    },
    key_setups: ({ channel }) => ({ setups: setups(channel) }),
    public_key_save: () => ({ path: "/home/sam/headgate_public.pem" }),
    root_pinned: () => root,
    root_save: () => ({ path: "/home/sam/1.root.json" }),
  };
}
