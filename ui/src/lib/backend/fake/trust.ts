import type { CommandMap } from "../../bindings/CommandMap";
import type { Job } from "../../bindings/Job";
import type { Receipt } from "../../bindings/Receipt";
import type { SignerKey } from "../../bindings/SignerKey";
import type { SignedLine } from "../../bindings/SignedLine";
import type { TrustCeremony } from "../../bindings/TrustCeremony";
import type { TrustPlan } from "../../bindings/TrustPlan";
import type { TrustRole } from "../../bindings/TrustRole";
import type { TrustView } from "../../bindings/TrustView";
import type { Workspace } from "../../bindings/Workspace";
import type { Command } from "../backend";
import { digest } from "./data";
import { trouble, type FakeKeys } from "./keys";

type Handlers = { [C in Command]?: (request: CommandMap[C][0]) => CommandMap[C][1] | Promise<CommandMap[C][1]> };
type Work = (kind: string, title: string, end: (job: Job, of: Workspace) => Partial<Job>) => string;

/** Freshness is two roles in the root. */
const NAMES: Record<string, string[]> = { freshness: ["snapshot", "timestamp"] };

export function trustOf(keys: FakeKeys): TrustView {
  const ring = keys.known;
  const roles = ring.roles.flatMap((role) =>
    (NAMES[role.role] ?? [role.role]).map((name) => ({
      role: name,
      threshold: role.threshold,
      keys: role.keys.map(({ id }) => id),
    })),
  );
  const counts = new Set(roles.flatMap((role) => role.keys));
  return {
    profile: keys.profile,
    last: "production",
    keys: ring.keys
      .filter(({ id }) => counts.has(id))
      .map(({ id, name, holder, own }) => ({ id, name, holder, own, signed: false, arrived: null })),
    roles,
  };
}

/** Roles after a ceremony, as far as a sample has to know. */
function after(view: TrustView, ceremony: TrustCeremony): TrustRole[] {
  const added = (publicKey: string): string => digest(publicKey.slice(0, 8));
  const change = (pick: (role: TrustRole) => Partial<TrustRole>): TrustRole[] =>
    view.roles.map((role) => ({ ...role, ...pick(role) }));
  switch (ceremony.kind) {
    case "team": {
      const all = ceremony.members.map((member) => added(member.public));
      return change((role) => {
        const top = role.role === "root" || role.role === "targets";
        if (!top && !/^[^.]+\.[^.]+$/u.test(role.role)) return {};
        const threshold = top ? ceremony.root : role.role.endsWith(".production") ? ceremony.last : role.threshold;
        return { keys: [...role.keys, ...all], threshold };
      });
    }
    case "add":
      return change((role) =>
        ceremony.roles.includes(role.role) ? { keys: [...role.keys, added(ceremony.member.public)] } : {},
      );
    case "rotate":
      return change((role) => ({
        keys: role.keys.map((id) => (id === ceremony.old ? added(ceremony.new.public) : id)),
      }));
    case "remove":
      return change((role) => ({ keys: role.keys.filter((id) => id !== ceremony.key) }));
    case "threshold":
      return change((role) => (role.role === ceremony.role ? { threshold: ceremony.threshold } : {}));
    case "grant":
      return change((role) => (role.role === ceremony.role ? { keys: [...role.keys, ceremony.key] } : {}));
    case "renew":
      return view.roles;
    default:
      return change((role) =>
        role.role === ceremony.role ? { keys: role.keys.filter((id) => id !== ceremony.key) } : {},
      );
  }
}

function people(ceremony: TrustCeremony): SignerKey[] {
  const members =
    ceremony.kind === "team"
      ? ceremony.members
      : ceremony.kind === "add"
        ? [ceremony.member]
        : ceremony.kind === "rotate"
          ? [ceremony.new]
          : [];
  return members.map((member) => ({
    id: digest(member.public.slice(0, 8)),
    name: member.name,
    holder: member.holder,
    own: false,
    signed: false,
    arrived: null,
  }));
}

const TITLES: Record<TrustCeremony["kind"], string> = {
  team: "Make a team",
  add: "Add a person",
  remove: "Take out a key",
  threshold: "Change a threshold",
  rotate: "Replace a key",
  grant: "Let a key sign a role",
  renew: "Renew roles",
  revoke: "Stop a key from signing a role",
};

export function trustPlan(view: TrustView, ceremony: TrustCeremony, app: string): TrustPlan {
  const next = after(view, ceremony);
  const known = [...view.keys, ...people(ceremony)];
  const key = (id: string): SignerKey =>
    known.find((one) => one.id === id) ?? {
      id,
      name: id.slice(0, 8),
      holder: "",
      own: false,
      signed: false,
      arrived: null,
    };
  const text = (role: TrustRole): string =>
    `${role.threshold} of ${role.keys.length}: ${role.keys.map((id) => `${key(id).name} (${id.slice(0, 8)})`).join(", ")}`;
  const lines: SignedLine[] = [];
  const weakened: string[] = [];
  const changed = next.filter((role, index) => {
    const before = view.roles[index];
    if (!before || text(before) === text(role)) return false;
    if (role.threshold < 1 || role.threshold > role.keys.length) {
      throw trouble(
        "usage.argument",
        `${role.role} would need ${role.threshold} signatures and have ${role.keys.length} keys.`,
        "Lower the threshold first, or add a key.",
      );
    }
    const weaker = role.threshold < before.threshold;
    lines.push({
      what: `Signs ${role.role}`,
      before: text(before),
      after: text(role),
      mark: weaker ? "danger" : "changed",
    });
    if (weaker) {
      const [now, was] = [`${role.threshold} of ${role.keys.length}`, `${before.threshold} of ${before.keys.length}`];
      weakened.push(`${role.role} needs ${now} signatures instead of ${was}`);
    }
    return true;
  });
  for (const { id, name, holder } of people(ceremony)) {
    lines.push({
      what: `Key ${id.slice(0, 8)}`,
      before: "not listed",
      after: `${name}, held by ${holder}`,
      mark: "changed",
    });
  }
  // What this computer cannot sign alone under the new keys, others are asked for.
  const missing = changed
    .map((role) => ({ ...role, have: role.keys.filter((id) => key(id).own).length }))
    .filter((role) => role.have < role.threshold)
    .map((role) => ({ role: role.role, need: role.threshold, have: role.have, keys: role.keys.map(key) }));
  const owner = view.keys[0];
  return {
    plan: `plan-${ceremony.kind}`,
    title: TITLES[ceremony.kind],
    lines,
    weakened,
    roles: ["root", "targets", "snapshot", "timestamp"].map((role, index) => ({
      role,
      before: [3, 7, 107, 108][index] ?? 1,
      now: [4, 8, 108, 109][index] ?? 2,
      says: index === 0 ? "Who may sign what" : index === 1 ? "The keys of channels" : "What is current",
      key: owner?.name ?? "",
    })),
    keys: owner
      ? [
          {
            name: owner.name,
            purpose: "Root and settings",
            algorithm: "Ed25519",
            fingerprint: owner.id,
            needed: "1 of 1 needed",
            here: true,
          },
        ]
      : [],
    problem:
      missing.length > 0
        ? trouble("approval.needed", "Signatures of other people are missing.", "Ask for them.")
        : null,
    canAsk: missing.length > 0,
    missing,
    typeToConfirm: app,
  };
}

function receiptOf(job: Job, of: Workspace, plan: TrustPlan): Receipt {
  const at = job.finished ?? job.started;
  return {
    app: of.app,
    unit: job.unit,
    channel: "production",
    version: "",
    build: 0,
    permille: 0,
    headline: `${plan.title}: signed`,
    replaces: null,
    signedSha256: digest("c0ffee00"),
    readBackSha256: digest("c0ffee00"),
    manifest: "",
    size: 0,
    files: 0,
    uploadedBytes: 0,
    uploadedObjects: 0,
    skippedBytes: 0,
    skippedObjects: 0,
    started: job.started,
    committed: at,
    finished: at,
    tookMs: 1400,
    visibleAfterMs: null,
    fetchMs: 0,
    metadata: plan.roles.map(({ role, before, now, key }) => ({ role, before, now, signedBy: key, readBack: true })),
    readFrom: "storage",
    address: of.storage,
    rootPinned: 1,
    rootNow: 4,
    freshUntil: at,
    entry: digest("e1e1e1e1"),
    next: [],
    gate: null,
  };
}

/** Root ceremonies of the sample engine. */
export function trustHandlers(keys: FakeKeys, work: Work): Handlers {
  const plans = new Map<string, TrustPlan>();
  const taken = (plan: string): TrustPlan => {
    const known = plans.get(plan);
    if (!known) throw trouble("usage.unknown", "The plan is gone.", "Go back one step and continue again.");
    return known;
  };
  return {
    trust: () => trustOf(keys),
    trust_prepare: ({ ceremony }) => {
      const derived = trustPlan(trustOf(keys), ceremony, "com.acme.field");
      const own = keys.known.keys.find((key) => key.own && key.problem !== null)?.problem;
      const plan = own ? { ...derived, problem: own, canAsk: false } : derived;
      plans.set(plan.plan, plan);
      return plan;
    },
    trust_start: ({ plan, typed }) => {
      const known = taken(plan);
      if (typed !== known.typeToConfirm) throw trouble("usage.confirm", "The app's identifier differs.", "Type it.");
      return { job: work("root", known.title, (job, of) => ({ receipt: receiptOf(job, of, known) })) };
    },
    approval_ask: ({ plan }) => ({
      job: work("root", taken(plan).title, () => ({})),
      id: digest("a5c0a5c0").slice(0, 32),
    }),
  };
}
