import type { Adoption } from "../../bindings/Adoption";
import type { Board } from "../../bindings/Board";
import type { Channel } from "../../bindings/Channel";
import type { DeviceShare } from "../../bindings/DeviceShare";
import type { GateView } from "../../bindings/GateView";
import type { IpcError } from "../../bindings/IpcError";
import type { PreviousRelease } from "../../bindings/PreviousRelease";
import type { Release } from "../../bindings/Release";
import type { RolloutAction } from "../../bindings/RolloutAction";
import type { RolloutRow } from "../../bindings/RolloutRow";
import type { Rollouts } from "../../bindings/Rollouts";
import type { RolloutStep } from "../../bindings/RolloutStep";
import type { RolloutView } from "../../bindings/RolloutView";
import type { ServerState } from "../../bindings/ServerState";
import { ago, day } from "./data";
import { byChannel, healthOf, nativesOf, stoppedFigures } from "./figures";

/** Sample rollouts: one that goes on, one that its gate stopped. */

const hour = 3_600_000;

export const unreachable: IpcError = {
  code: "server.unreachable",
  message: "The update server does not answer: connection refused.",
  holds: "What was counted before stays shown with its age. Devices are not affected.",
  remedy: "Check that the server runs and that its admin listener can be reached from here.",
  detail: "https://ota.acme.example:8081: connection refused",
  retryable: true,
  field: null,
};

export function serverOf(now: number, state: string): ServerState {
  return {
    state,
    asOf: state === "none" ? null : ago(now, state === "offline" ? 47 * 60_000 : 40_000),
    problem: state === "offline" ? unreachable : null,
    windowDays: 30,
  };
}

function asPrevious(release: Release, released: string): PreviousRelease {
  return { version: release.version, build: release.build, sha256: release.sha256, released };
}

/** A channel's state, with what the server's gate did to it. */
export function stateOf(channel: Channel): string {
  if (!channel.current) return "nothing";
  return channel.current.state === "rolling_out" && channel.current.health?.stopped
    ? "stopped_by_gate"
    : channel.current.state;
}

export function rowOf(channel: Channel): RolloutRow {
  const { current } = channel;
  const health = current?.health ?? null;
  return {
    channel: channel.id,
    label: channel.label,
    release: current ? asPrevious(current.release, current.since) : null,
    state: stateOf(channel),
    permille: current?.permille ?? 0,
    started: current?.since ?? null,
    active: health?.active ?? null,
    failures: health?.failures ?? null,
    spark: health?.spark ?? [],
    frozen: channel.frozen,
  };
}

export function rolloutsOf(board: Board, server: ServerState): Rollouts {
  return { server, rows: board.channels.map(rowOf) };
}

function stepsOf(now: number, channel: Channel): RolloutStep[] {
  const current = channel.current;
  if (!current || channel.stage !== "live") return [];
  const done = [
    { permille: 10, at: 9 * day + 5 * hour, says: "25 h" },
    { permille: 50, at: 8 * day + 4 * hour, says: "23 h" },
    { permille: 100, at: 7 * day + 5 * hour, says: "4 d, halted 64 h" },
    { permille: 250, at: 2 * day + 4 * hour, says: "52 h" },
    { permille: 500, at: 1 * hour, says: "1 h" },
    { permille: 1000, at: 0, says: "" },
  ];
  const at = done.filter((step) => step.permille <= current.permille).length - 1;
  return done.map(({ permille, at: since, says }, index) => {
    if (index < at) return { permille, state: "done", at: ago(now, since), by: index === 0 ? current.by : null, says };
    if (index === at) return { permille, state: "now", at: ago(now, since), by: null, says: `${says} so far` };
    if (index === at + 1)
      return { permille, state: "next", at: null, by: null, says: `Open now, 24 h at ${current.permille / 10} % met` };
    return {
      permille,
      state: "later",
      at: null,
      by: null,
      says: `after 24 h at ${(done[index - 1]?.permille ?? 0) / 10} %`,
    };
  });
}

function gateOf(channel: Channel): GateView | null {
  const health = channel.current?.health;
  if (!health || channel.stage !== "live") return null;
  const { failures, stopped } = health;
  return { state: stopped ? "stopped" : "open", minSample: 500, maxFailurePermille: 10, rate: failures, stopped };
}

/** The first minutes of a rollout in the sandbox. */
function minutesOf(now: number, channel: Channel, { devices: active, of }: DeviceShare): Adoption {
  const current = channel.current;
  const others = `${current?.base?.version ?? "Embedded"}, others`;
  const times = Array.from({ length: 25 }, (_, at) => Math.round(now / 1000) - (24 - at) * 60);
  const devices = times.map((_, at) => Math.round(active * (at < 2 ? 0 : 1 - Math.exp(-(at - 2) / 6))));
  return {
    by: "minute",
    times,
    series: [
      { label: others, build: null, devices: devices.map((on) => of - on) },
      { label: current?.release.version ?? "", build: current?.release.build ?? null, devices },
    ],
    marks: [{ at: times[1] ?? 0, kind: "start", says: "Released to 25 %" }],
  };
}

/** 15 days. */
function adoptionOf(now: number, channel: Channel, sandbox: boolean): Adoption {
  const current = channel.current;
  const health = current?.health;
  if (!current || !health) return { by: "day", times: [], series: [], marks: [] };
  if (sandbox) return minutesOf(now, channel, health.active);
  const count = 15;
  const times = Array.from({ length: count }, (_, at) => Math.round((now - (count - 1 - at) * day) / 1000));
  const all = health.active.of;
  const when = (age: number): number => Math.round((now - age) / 1000);
  /** Devices that came by then, after a share was raised at `start`. */
  const grown = (at: number, start: number, to: number): number =>
    at < start ? 0 : Math.round(to * (1 - Math.exp(-(at - start) / (16 * 3600))));
  const newest = times.map((at) =>
    Math.min(
      health.active.devices,
      grown(at, when(9.2 * day), all * 0.01) +
        grown(at, when(8.2 * day), all * 0.03) +
        grown(at, when(7.2 * day), all * 0.045) +
        grown(at, when(2.2 * day), all * 0.16),
    ),
  );
  const embedded = times.map((_, at) => Math.round(all * (0.115 - 0.041 * (at / count))));
  const older = times.map((_, at) => Math.round(all * (0.19 * Math.exp(-at / 9) + 0.045)));
  const base = times.map((_, at) => all - (newest[at] ?? 0) - (embedded[at] ?? 0) - (older[at] ?? 0));
  return {
    by: "day",
    times,
    series: [
      { label: "Embedded", build: null, devices: embedded },
      { label: "4.2.2 and older", build: null, devices: older },
      { label: "4.2.3", build: 1294, devices: base },
      { label: current.release.version, build: current.release.build, devices: newest },
    ],
    marks: [
      { at: when(9.2 * day), kind: "start", says: "Promoted 1 %" },
      { at: when(7.2 * day), kind: "share", says: "10 %" },
      { at: when(5.8 * day), kind: "halt", says: "Halted" },
      { at: when(3.1 * day), kind: "resume", says: "Resumed" },
      { at: when(2.2 * day), kind: "share", says: "25 %" },
      ...(health.stopped ? [{ at: when(24 * 60_000), kind: "gate", says: "Stopped by gate" }] : []),
    ],
  };
}

/** All actions, as the engine gives them: what cannot be done now carries its reason. */
function actionsOf(channel: Channel): RolloutAction[] {
  const current = channel.current;
  const state = stateOf(channel);
  const rolling = state === "rolling_out" || state === "stopped_by_gate";
  const next = [10, 50, 100, 250, 500].find((step) => step > (current?.permille ?? 1000)) ?? null;
  const action = (name: string, disabled: string | null, more: Partial<RolloutAction> = {}): RolloutAction => ({
    action: name,
    permille: null,
    proposed: false,
    ...more,
    disabled: current ? disabled : "The channel serves nothing yet.",
  });
  const goes = rolling
    ? null
    : state === "halted"
      ? "It is halted. Resume it first."
      : "No rollout is unfinished here.";
  const stopped = state === "stopped_by_gate" ? "The gate stopped it: halt it or roll back first." : null;
  return [
    action("advance", goes ?? stopped ?? channel.frozen, {
      permille: next,
      proposed: state === "rolling_out" && next !== null && channel.frozen === null,
    }),
    action("halt", goes, { proposed: state === "stopped_by_gate" }),
    action("resume", state === "halted" ? channel.frozen : "It is not halted."),
    action("complete", goes ?? stopped ?? channel.frozen),
    action("roll_back", channel.previous.length === 0 ? "No earlier release is approved here." : null),
    action("embedded", null),
    action(channel.frozen === null ? "freeze" : "unfreeze", null),
  ];
}

export function viewOf(now: number, board: Board, id: string, server: ServerState): RolloutView {
  const channel = board.channels.find((known) => known.id === id);
  if (!channel) throw { ...unreachable, code: "usage.unknown", message: `No channel is named ${id}.` };
  const current = channel.current;
  const health = current?.health ?? null;
  const figures = health?.stopped ? stoppedFigures : byChannel[id];
  const active = figures?.active ?? 0;
  const live = channel.stage === "live" && health !== null;
  return {
    row: rowOf(channel),
    release: current?.release ?? null,
    base: current?.base ?? null,
    baseSays: current?.base ? `${current.base.version}, build ${current.base.build}` : "the embedded build",
    server,
    devices: figures?.of ?? 0,
    reason: current?.state === "halted" ? "Blank map reports from Android 14" : "",
    by: current?.by ?? "",
    steps: stepsOf(now, channel),
    gate: gateOf(channel),
    withheld: health?.stopped ? "Boot failures passed the limit of its gate." : null,
    adoption: adoptionOf(now, channel, board.workspace === "sandbox"),
    funnel: live
      ? [
          { state: "offered", devices: active + 1_121, says: "448 have not started" },
          { state: "downloaded", devices: active + 656, says: "17 failed" },
          { state: "applied", devices: active + 73, says: "12 failed, 571 wait for restart" },
          { state: "confirmed", devices: active, says: "27 rolled back, 46 wait" },
        ]
      : [],
    reasons: live
      ? [
          { code: "not_ready", says: "App not ready in 10 s, rolled back", devices: health.stopped ? 81 : 27 },
          { code: "unzip_timeout", says: "Unzip timed out", devices: 12 },
          { code: "storage_full", says: "Storage full", devices: health.stopped ? 3 : 11 },
          { code: "checksum", says: "Checksum mismatch", devices: health.stopped ? 1 : 6 },
        ]
      : [],
    natives: live ? nativesOf(health.stopped !== null).filter((row) => row.failures.attempts > 0) : [],
    actions: actionsOf(channel),
    previous: channel.previous,
    cannotReturn: live ? 861 : 0,
  };
}

/** The board of a workspace whose server counts. */
export function counted(board: Board, stopped: string | null): Board {
  return {
    ...board,
    devicesKnown: true,
    channels: board.channels.map((channel) => ({
      ...channel,
      current: channel.current && {
        ...channel.current,
        health: healthOf(channel.id, channel.stage === "live" ? stopped : null),
      },
    })),
  };
}
