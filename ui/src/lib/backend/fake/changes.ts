import type { Board } from "../../bindings/Board";
import type { CannotFollow } from "../../bindings/CannotFollow";
import type { Channel } from "../../bindings/Channel";
import type { Gate } from "../../bindings/Gate";
import type { Job } from "../../bindings/Job";
import type { Receipt } from "../../bindings/Receipt";
import type { Release } from "../../bindings/Release";
import type { RolloutChangeRequest } from "../../bindings/RolloutChangeRequest";
import type { RolloutPlan } from "../../bindings/RolloutPlan";
import type { RolloutView } from "../../bindings/RolloutView";
import type { Workspace } from "../../bindings/Workspace";
import { promotePlan, receiptOf, signPlanKeys } from "./ship";

/** Sample plans for changes of a rollout, and what they come to. */

const count = (value: number): string => value.toLocaleString("en-US");
const percent = (permille: number): string => `${permille / 10}\u00a0%`;

interface Effect {
  after: string;
  affected: string[];
  moved: number | null;
  cannotFollow: CannotFollow[];
  warnings?: string[];
}

/** Clients that know no way back to the embedded build. */
function stuckOf(devices: number): CannotFollow[] {
  const cordova = Math.round(devices / 3);
  const says =
    "Know no way back to the embedded build and keep what they run. Ship the embedded build as a release for them.";
  return [
    { client: "Ionic Live Updates", devices: devices - cordova, says },
    { client: "cordova-plugin-ionic", devices: cordova, says },
  ].filter((one) => one.devices > 0);
}

function effectOf(view: RolloutView, request: RolloutChangeRequest): Effect {
  const { row, devices } = view;
  const version = row.release?.version ?? "";
  const active = row.active?.devices ?? 0;
  const group = Math.round((devices * row.permille) / 1000);
  const left = Math.max(0, group - active - 571);
  const known = row.active !== null;
  const target = view.previous.find((release) => release.build === request.build);
  const effect = (after: string, affected: string[], more: Partial<Effect> = {}): Effect => ({
    after,
    affected: known ? affected : [],
    moved: null,
    cannotFollow: [],
    ...more,
  });
  switch (request.action) {
    case "halt":
      return effect(`Halted at ${percent(row.permille)}`, [
        `${count(left)} devices of the ${percent(row.permille)} group are not on ${version} yet and are no longer offered it`,
        `${count(active)} devices keep ${version}. 571 more have it downloaded and apply it at restart`,
        `${count(devices - group)} devices outside the group go on as before, with ${view.baseSays}`,
      ]);
    case "resume":
      return effect(`Rolling out at ${percent(row.permille)}`, [
        `${count(left)} devices of the ${percent(row.permille)} group are offered ${version} again`,
        `${count(active)} devices on ${version} keep it`,
      ]);
    case "advance": {
      const to = request.permille ?? 0;
      return effect(
        `Rolling out at ${percent(to)}`,
        [
          `${count(Math.round((devices * to) / 1000) - group)} devices more are offered ${version} at their next check`,
          `${count(active)} devices on ${version} keep it`,
          `${count(devices - Math.round((devices * to) / 1000))} devices stay on what they get now, ${view.baseSays}`,
        ],
        {
          warnings: [
            "4.1.0 has 922 attempts, too few to be sure: its upper bound is 1.70\u00a0%, over the limit of 1\u00a0%.",
          ],
        },
      );
    }
    case "freeze":
      return effect(`Rolling out at ${percent(row.permille)}, frozen`, [
        "Devices go on as they are: what the channel serves, it serves to the same group",
        "No release can be shipped or promoted to it, no share raised, nothing resumed",
      ]);
    case "unfreeze":
      return effect(`Rolling out at ${percent(row.permille)}`, ["Devices go on as they are"]);
    case "complete":
      return effect("Complete at 100\u00a0%", [
        `${count(devices - group)} devices more are offered ${version} at their next check`,
        `${count(active)} devices on ${version} keep it`,
      ]);
    case "roll_back":
      return effect(
        `Complete at 100\u00a0%`,
        [
          `${count(active - 41)} devices go from ${version} to ${target?.version ?? "?"} at their next check`,
          `11,715 devices on older releases or the embedded build: nothing changes`,
          `45,362 devices on ${target?.version ?? "?"} already, nothing changes for them`,
        ],
        {
          moved: active - 41,
          cannotFollow: [
            {
              client: "Capgo updater",
              devices: 41,
              says: `Marked ${target?.version ?? "?"} as failed once and never take it again. They keep what they run.`,
            },
          ],
        },
      );
    default:
      return effect(
        "The embedded build for every device",
        [
          `${count(devices - 5521 - view.cannotReturn)} devices return to the build of the app store at their next check`,
          "5,521 devices run it already, nothing changes for them",
        ],
        { moved: devices - 5521 - view.cannotReturn, cannotFollow: stuckOf(view.cannotReturn) },
      );
  }
}

export function planOf(of: Workspace, view: RolloutView, request: RolloutChangeRequest, live: boolean): RolloutPlan {
  const { row } = view;
  const role = `${request.unit}.${request.channel}.rollout`;
  const effect = effectOf(view, request);
  const states: Record<string, string> = {
    rolling_out: "Rolling out",
    halted: "Halted",
    complete: "Complete",
    stopped_by_gate: "Stopped by gate",
  };
  return {
    plan: `plan-${request.action}`,
    change: request,
    before: `${states[row.state] ?? row.state} at ${percent(row.permille)}`,
    warnings: [],
    ...effect,
    roles: [
      { role, before: 57, now: 58, says: effect.after, key: "Acme freshness" },
      { role: "snapshot", before: 141, now: 142, says: "Names it", key: "Acme freshness" },
      { role: "timestamp", before: 296, now: 297, says: "This is current for 30 days", key: "Acme freshness" },
    ],
    keys: signPlanKeys.filter((key) => key.name === "Acme freshness"),
    vault: of.vault,
    problem: null,
    typeToConfirm:
      live && ["roll_back", "embedded", "complete", "advance"].includes(request.action) ? request.channel : null,
  };
}

/** The channel after a change. */
function changed(channel: Channel, { action, permille, build, reason }: RolloutChangeRequest): Channel {
  const current = channel.current;
  if (!current || channel.id === "") return channel;
  const health = current.health && { ...current.health, stopped: null };
  switch (action) {
    case "halt":
      return { ...channel, current: { ...current, state: "halted" } };
    case "freeze":
      return { ...channel, frozen: `Frozen by Ines Abt: ${reason}` };
    case "unfreeze":
      return { ...channel, frozen: null };
    case "resume":
      return { ...channel, current: { ...current, state: "rolling_out", health } };
    case "advance":
      return { ...channel, current: { ...current, permille: permille ?? current.permille } };
    case "complete":
      return { ...channel, current: { ...current, state: "complete", permille: 1000, base: null } };
    case "roll_back": {
      const target = channel.previous.find((release) => release.build === build);
      if (!target) return channel;
      const release = { ...current.release, ...target, message: null };
      return { ...channel, current: { ...current, release, state: "complete", permille: 1000, base: null, health } };
    }
    default:
      return { ...channel, current: null };
  }
}

/** The gate into the channel: a frozen one takes nothing. */
function gateOf(gate: Gate, { action, channel, reason }: RolloutChangeRequest): Gate {
  if (gate.to !== channel) return gate;
  if (action === "freeze")
    return { ...gate, state: "blocked", label: "Frozen", reason: `Frozen by Ines Abt: ${reason}` };
  return action === "unfreeze" ? { ...gate, state: "open", label: "Ready", reason: "Can be promoted." } : gate;
}

export function apply(board: Board, request: RolloutChangeRequest): Board {
  return {
    ...board,
    gates: board.gates.map((gate) => gateOf(gate, request)),
    channels: board.channels.map((channel) => (channel.id === request.channel ? changed(channel, request) : channel)),
  };
}

/** What a change ends with: no bundle was uploaded, so only what was signed and read back counts. */
export function changeReceipt(now: number, of: Workspace, job: Job, plan: RolloutPlan, release: Release): Receipt {
  const { unit, channel } = plan.change;
  const promoted = promotePlan(
    now,
    of,
    { workspace: of.id, unit, build: release.build, from: channel, to: channel, permille: null },
    release,
  );
  return {
    ...receiptOf(now, of, job, promoted),
    headline: `${plan.after} on ${channel}`,
    replaces: null,
    metadata: plan.roles.map(({ role, before, now: version, key }) => ({
      role,
      before,
      now: version,
      signedBy: key,
      readBack: true,
    })),
    next: plan.affected.slice(0, 2).map((text) => ({ title: "Devices", text })),
    gate: null,
  };
}
