import type { AppState } from "../../bindings/AppState";
import type { Board } from "../../bindings/Board";
import type { CommandMap } from "../../bindings/CommandMap";
import type { ConnectCheck } from "../../bindings/ConnectCheck";
import type { ConnectTest } from "../../bindings/ConnectTest";
import type { Event } from "../../bindings/Event";
import type { Fleet } from "../../bindings/Fleet";
import type { Inspection } from "../../bindings/Inspection";
import type { IpcError } from "../../bindings/IpcError";
import type { Job } from "../../bindings/Job";
import type { Picked } from "../../bindings/Picked";
import type { PromotePlan } from "../../bindings/PromotePlan";
import type { RolloutPlan } from "../../bindings/RolloutPlan";
import type { RolloutView } from "../../bindings/RolloutView";
import type { ServerState } from "../../bindings/ServerState";
import type { SignPlan } from "../../bindings/SignPlan";
import type { Workspace } from "../../bindings/Workspace";
import type { Backend, Command } from "../backend";
import { activityOf } from "./activity";
import { FakeApprovals, lacking } from "./approvals";
import * as data from "./data";
import * as ship from "./ship";
import { checks, compared, refusedChecks } from "./storage";
import { apply, changeReceipt, planOf } from "./changes";
import { devicesOf, installsOf, setupsOf, simulated } from "./devices";
import { stoppedAt } from "./figures";
import { FakeKeys } from "./keys";
import { isWorkstation, offlineHandlers } from "./offline";
import { counted, rolloutsOf, serverOf, viewOf } from "./rollouts";
import { servers, type Scenario } from "./scenario";
import { settingsHandlers } from "./settings";
import { trustHandlers } from "./trust";
import { expired, progressAt, uploads } from "./upload";

export type { Scenario } from "./scenario";

type Handlers = { [C in Command]?: (request: CommandMap[C][0]) => CommandMap[C][1] | Promise<CommandMap[C][1]> };

/** Sample engine for tests and for looking at screens in a browser. It signs and stores nothing. */
export class FakeBackend implements Backend {
  /** Requests that it got, in order. */
  readonly calls: { name: Command; request: unknown }[] = [];
  /** Milliseconds between two steps of a job. */
  pace: number;

  /** The sandbox's simulated devices. */
  fleet: Fleet = { devices: 0, checks: 0, failurePermille: 0 };
  workspaces: Workspace[] = [];
  boards = new Map<string, Board>();
  jobs: Job[] = [];
  theme = "system";
  /** Where the drag of the scenario `drop` is. */
  at: { x: number; y: number } | null = null;
  /** What the dialog for a storage folder gives back. */
  folder = "/srv/ota";
  /** What a comparison finds. */
  finds: "different" | "packer" | "same" = "different";
  /** The update server: `none`, `ok`, `offline`. */
  server = "none";
  #speaks = 0;

  #listener: ((event: Event) => void) | null = null;
  #failures = new Map<Command, IpcError>();
  #inspections = new Map<string, Inspection>();
  #plans = new Map<string, { plan: SignPlan | PromotePlan; workspace: string; unit: string; channel: string }>();
  #changes = new Map<string, RolloutPlan>();
  #picked = new Map<string, Picked>([
    [ship.www.handle, ship.www],
    [ship.photo.handle, ship.photo],
  ]);
  #active: string | null = null;
  #count = 0;
  /** The storage refuses the credentials that it has. */
  #refused: boolean;
  readonly #scenario: Scenario;
  readonly #now: () => number;

  constructor(scenario: Scenario = "pipeline", options: { now?: () => number; pace?: number } = {}) {
    this.#scenario = scenario;
    this.#refused = scenario === "expired";
    this.#now = options.now ?? Date.now;
    this.pace = options.pace ?? 400;
    if (isWorkstation(scenario)) Object.assign(this.#handlers, offlineHandlers(scenario, this.#now));
    if (isWorkstation(scenario) || scenario === "welcome" || scenario === "connect") return;
    const now = this.#now();
    const workspace = scenario === "empty" || scenario === "fleet" ? data.sandbox : data.workspace;
    this.workspaces = [workspace];
    this.#active = workspace.id;
    const board = scenario === "empty" ? data.emptyBoard(now, workspace) : data.fullBoard(now, workspace);
    if (scenario === "offline") board.offline = data.offline;
    if (scenario === "validity") {
      board.freshness = data.lifetime(now, 900);
      const production = board.channels[2];
      if (production) production.validity = data.lifetime(now, 560, 365);
    }
    this.boards.set(workspace.id, board);
    this.server = servers[scenario] ?? "none";
    if (this.server !== "none") {
      this.boards.set(workspace.id, counted(board, scenario === "stopped" ? stoppedAt(now) : null));
      if (scenario === "halted") this.#change(workspace.id, "halt");
    }
    const upload = uploads[scenario];
    if (upload) {
      // Credentials belong to a bucket.
      this.workspaces = [data.bucket];
      this.jobs = [upload(now)];
      if (scenario === "expired") board.offline = expired;
    }
    if (scenario === "error") this.fail("board", data.unreadable);
  }

  /** Makes a command fail until `heal`. */
  fail(name: Command, error: IpcError): void {
    this.#failures.set(name, error);
  }

  /** Lets a command work again. */
  heal(name: Command): void {
    this.#failures.delete(name);
  }

  /** Tells nothing more: another window is looked at. */
  stop(): void {
    this.#listener = null;
  }

  /** Tells the window something, as the engine would. */
  emit(event: Event): void {
    this.#listener?.(event);
  }

  async invoke<C extends Command>(name: C, request: CommandMap[C][0]): Promise<CommandMap[C][1]> {
    this.calls.push({ name, request });
    const failure = this.#failures.get(name);
    if (failure) throw failure;
    const handler = this.#handlers[name];
    if (!handler) return {} as CommandMap[C][1];
    return handler(request);
  }

  /** Lets an upload of a scenario tell its speed a few times, so that the line has a past. */
  speak(times: number): void {
    if (this.#speaks >= times) return;
    this.#speaks += 1;
    const job = this.jobs[0];
    const own = job?.targets[0];
    if (job && own) {
      const speed = Math.round(own.speed * (0.8 + 0.3 * Math.abs(Math.sin(this.#speaks))));
      this.emit({ type: "job", data: { ...job, targets: [{ ...own, speed }, ...job.targets.slice(1)] } });
    }
    setTimeout(() => this.speak(times), 20);
  }

  subscribe(onEvent: (event: Event) => void): Promise<void> {
    this.#listener = onEvent;
    if (this.#scenario === "drop") {
      setTimeout(
        () =>
          this.emit({
            type: "drop",
            data: { phase: "enter", item: ship.www, x: this.at?.x ?? null, y: this.at?.y ?? null },
          }),
        600,
      );
    }
    return Promise.resolve();
  }

  readonly keys = new FakeKeys(
    () => this.#now(),
    () => (this.workspaces[0] ?? data.workspace).vault,
  );

  readonly approvals = new FakeApprovals(
    () => this.#now(),
    () => this.#scenario === "requests",
    (title, workspace, channel, finish) => {
      const job = this.#job("promote", title, workspace, "main", channel);
      this.#run(job, ["sign", "upload"], () => {
        finish();
        return {};
      });
      return job.id;
    },
  );

  readonly #handlers: Handlers = {
    app_state: () => this.#state(),
    set_theme: ({ theme }) => {
      this.theme = theme;
      return {};
    },
    sandbox_start: () => this.#add(data.sandbox),
    storage_choose: () => ({ path: this.folder }),
    root_choose: () => ({ root: data.root }),
    connect_test: ({ storage, publicUrl }) => this.#tested(checks(storage, publicUrl)),
    storage_check: ({ workspace }) => {
      const { storage, publicUrl } = this.#workspace(workspace);
      return this.#tested(this.#refused ? refusedChecks() : checks(storage, publicUrl));
    },
    credentials_set: ({ workspace }) => {
      this.#refused = false;
      const board = this.boards.get(workspace);
      if (board) this.boards.set(workspace, { ...board, offline: null });
      return {};
    },
    connect: ({ name, storage, publicUrl }) => this.#add({ ...data.workspace, name, storage, publicUrl }),
    workspace_create: ({ app, name, storage, publicUrl, team }) => {
      const waits = team !== null && Math.max(team.root, team.last) > 1;
      const made = { ...data.workspace, id: `${app}-1`, app, name, storage, publicUrl };
      return { workspace: this.#add({ ...made, waiting: waits ? "a1" : null }) };
    },
    workspace_select: ({ workspace }) => {
      this.#active = workspace;
      return {};
    },
    board: ({ workspace }) => {
      if (this.#scenario === "loading") return new Promise<Board>(() => {});
      const board = this.boards.get(workspace);
      if (!board) throw data.unreadable;
      return board;
    },
    sync: ({ workspace }) => {
      const board = this.boards.get(workspace);
      if (board) {
        if (board.offline) throw board.offline;
        this.boards.set(workspace, { ...board, asOf: new Date(this.#now()).toISOString() });
      }
      this.emit({ type: "board", data: { workspace } });
      return {};
    },
    freshness_refresh: ({ workspace }) => {
      const job = this.#job("refresh", "Refresh freshness", workspace, "main", null);
      this.#run(job, ["sign", "publish"], () => {
        const board = this.boards.get(workspace);
        if (board) this.boards.set(workspace, { ...board, freshness: data.lifetime(this.#now(), 0) });
        return {};
      });
      return { job: job.id };
    },
    build_choose: () => ({ item: ship.www }),
    build_sample: () => ({ item: { ...ship.www, handle: "build-sample", name: "sample-build" } }),
    artifact_pick: ({ url }) => {
      const item = ship.atAddress(url);
      this.#picked.set(item.handle, item);
      return { item };
    },
    compare_build: ({ build, workspace }) => compared(this.boards.get(workspace), build, this.finds),
    compare_releases: ({ build, workspace }) => compared(this.boards.get(workspace), build, this.finds),
    inspect_start: ({ workspace, unit, handle, excludeSourceMaps }) => {
      const item = this.#picked.get(handle) ?? { ...ship.www, handle };
      const job = this.#job("inspect", `Inspect ${item.name}`, workspace, unit, null);
      this.#run(job, ["read", "pack", "inspect"], () => {
        this.#inspections.set(handle, ship.inspectionOf(this.#now(), item, excludeSourceMaps));
        return { handle };
      });
      return { job: job.id };
    },
    inspection: ({ handle }) => this.#inspection(handle),
    ship_prepare: (request) => {
      const plan = ship.signPlan(this.#workspace(request.workspace), request, this.#inspection(request.handle));
      this.#plans.set(plan.plan, { plan, ...request });
      return plan;
    },
    ship_start: ({ plan }) => this.#publish("ship", plan),
    promote_prepare: (request) => {
      const board = this.boards.get(request.workspace);
      const release = board?.channels.find((channel) => channel.id === request.from)?.current?.release;
      if (!release) throw data.unreadable;
      const plan = ship.promotePlan(this.#now(), this.#workspace(request.workspace), request, release);
      if (["requests", "asking"].includes(this.#scenario) && request.to === "production")
        Object.assign(plan, lacking());
      this.#plans.set(plan.plan, { plan, workspace: request.workspace, unit: request.unit, channel: request.to });
      return plan;
    },
    promote_start: ({ plan }) => this.#publish("promote", plan),
    rollouts: ({ workspace }) => rolloutsOf(this.#board(workspace), this.#server()),
    rollout: ({ workspace, channel }) => this.#view(workspace, channel),
    rollout_prepare: (request) => {
      const view = this.#view(request.workspace, request.channel);
      const live = this.#board(request.workspace).channels.at(-1)?.id === request.channel;
      const plan = planOf(this.#workspace(request.workspace), view, request, live);
      this.#changes.set(plan.plan, plan);
      return plan;
    },
    rollout_start: ({ plan }) => this.#rollout(plan),
    devices: (request) => devicesOf(this.#board(request.workspace), request, this.#server()),
    install_lookup: ({ install }) => installsOf(this.#now(), install),
    simulate: (request) => simulated(request),
    server_link: () => ({
      url: this.server === "none" ? null : "https://ota.acme.example:8081",
      publicUrl: this.server === "none" ? null : "https://ota.acme.example/",
      token: this.server !== "none",
      own: false,
    }),
    server_connect: ({ workspace, url }) => {
      this.server = "ok";
      this.boards.set(workspace, counted(this.#board(workspace), null));
      return { url, publicUrl: "https://ota.acme.example/", token: true, own: false };
    },
    client_setups: ({ channel }) => setupsOf(channel, "https://ota.acme.example/"),
    fleet: ({ devices, failurePermille }) => (this.fleet = { devices, checks: 0, failurePermille }),
    fleet_state: () => this.fleet,
    activity: ({ read }) => activityOf(this.#now(), this.#scenario, read),
    activity_export: ({ format }) => ({ path: `/home/mara/com.acme.field-log.${format}`, entries: 9 }),
    ...this.keys.handlers,
    ...this.approvals.handlers,
    ...settingsHandlers(
      (id) => this.#workspace(id),
      (kind, title, end) => this.#work(kind, title, end),
      this.boards,
    ),
    ...trustHandlers(this.keys, (kind, title, end) => this.#work(kind, title, end)),
    jobs: () => ({ jobs: this.jobs }),
    job: ({ job }) => this.#find(job),
    job_cancel: ({ job }) => {
      this.#update({ ...this.#find(job), state: "cancelled", finished: new Date(this.#now()).toISOString() });
      return {};
    },
    job_pause: ({ job }) => {
      const known = this.#find(job);
      const targets = known.targets.map((target) => ({ ...target, state: "paused", speed: 0, retry: null }));
      this.#update({ ...known, state: "paused", speed: 0, targets });
      return {};
    },
    job_resume: ({ job }) => this.#goOn(job),
    job_retry_now: ({ job }) => this.#goOn(job),
    job_dismiss: ({ job }) => {
      this.jobs = this.jobs.filter((other) => other.id !== job);
      return {};
    },
  };

  #board(workspace: string): Board {
    const board = this.boards.get(workspace);
    if (!board) throw data.unreadable;
    return board;
  }

  #server(): ServerState {
    return serverOf(this.#now(), this.server);
  }

  #view(workspace: string, channel: string): RolloutView {
    return viewOf(this.#now(), this.#board(workspace), channel, this.#server());
  }

  #change(workspace: string, action: string): void {
    const request = { workspace, unit: "main", channel: "production", action, permille: null, build: null, reason: "" };
    this.boards.set(workspace, apply(this.#board(workspace), request));
  }

  #rollout(handle: string): { job: string } {
    const plan = this.#changes.get(handle);
    if (!plan) throw data.unreadable;
    const { change } = plan;
    const job = this.#job("rollout", `${plan.after}: ${change.channel}`, change.workspace, change.unit, change.channel);
    const { release } = this.#view(change.workspace, change.channel);
    this.#run(job, ["sign", "publish"], (ended) => {
      this.boards.set(change.workspace, apply(this.#board(change.workspace), change));
      if (!release) return {};
      return { receipt: changeReceipt(this.#now(), this.#workspace(change.workspace), ended, plan, release) };
    });
    return { job: job.id };
  }

  #state(): AppState {
    return {
      version: "0.1.0",
      theme: this.theme,
      letters: true,
      workspaces: this.workspaces,
      active: this.#active,
      recovered: [],
      notices: [],
      offline: isWorkstation(this.#scenario),
    };
  }

  #add(workspace: Workspace): Workspace {
    this.workspaces = [...this.workspaces.filter((other) => other.id !== workspace.id), workspace];
    this.#active = workspace.id;
    const now = this.#now();
    this.boards.set(workspace.id, workspace.sandbox ? data.emptyBoard(now, workspace) : data.fullBoard(now, workspace));
    return workspace;
  }

  #workspace(id: string): Workspace {
    return this.workspaces.find((workspace) => workspace.id === id) ?? data.workspace;
  }

  #inspection(handle: string): Inspection {
    const known = this.#inspections.get(handle);
    if (known) return known;
    const made = ship.inspectionOf(this.#now(), this.#picked.get(handle) ?? { ...ship.www, handle }, false);
    this.#inspections.set(handle, made);
    return made;
  }

  #tested(found: ConnectCheck[]): ConnectTest {
    return { at: new Date(this.#now()).toISOString(), checks: found };
  }

  #goOn(id: string): { job?: never } {
    const known = this.#find(id);
    const targets = known.targets.map((target) => ({ ...target, state: "sending", retry: null, error: null }));
    this.#update({ ...known, state: "running", error: null, finished: null, targets });
    return {};
  }

  #find(id: string): Job {
    const job = this.jobs.find((other) => other.id === id);
    if (!job) throw data.unreadable;
    return job;
  }

  #job(kind: string, title: string, workspace: string, unit: string, channel: string | null): Job {
    this.#count += 1;
    const job: Job = {
      id: `job-${this.#count}`,
      kind,
      workspace,
      unit,
      title,
      state: "running",
      phase: kind === "inspect" ? "read" : "sign",
      bytesDone: 0,
      bytesTotal: 11_900_000,
      speed: 0,
      targets: [],
      objects: [],
      objectsTotal: 0,
      objectsDone: 0,
      skippedObjects: 0,
      skippedBytes: 0,
      started: new Date(this.#now()).toISOString(),
      finished: null,
      error: null,
      receipt: null,
      undo: null,
      handle: null,
      channel,
    };
    this.jobs = [job, ...this.jobs];
    return job;
  }

  #update(job: Job): void {
    this.jobs = this.jobs.map((other) => (other.id === job.id ? job : other));
    this.emit({ type: "job", data: job });
  }

  /** Walks a job through its phases in four steps each. */
  #run(start: Job, phases: string[], finish: (job: Job) => Partial<Job>): void {
    const total = phases.length * 4;
    let step = 0;
    const next = (): void => {
      const job = this.jobs.find((other) => other.id === start.id);
      if (job?.state !== "running") return;
      step += 1;
      if (step >= total) {
        const ended = { ...job, state: "done", phase: "done", finished: new Date(this.#now()).toISOString() };
        this.#update({ ...ended, ...finish(ended) });
        this.emit({ type: "board", data: { workspace: job.workspace } });
        return;
      }
      const share = (step % 4) / 4;
      const bytesDone = Math.round(job.bytesTotal * share);
      const phase = phases[Math.floor(step / 4)] ?? "done";
      const sends = job.kind === "ship" && phase === "upload";
      this.#update({ ...job, phase, bytesDone, speed: 2_400_000, ...(sends ? progressAt(share) : {}) });
      setTimeout(next, this.pace);
    };
    setTimeout(next, this.pace);
  }

  #work(kind: string, title: string, end: (job: Job, of: Workspace) => Partial<Job>): string {
    const of = this.workspaces[0] ?? data.workspace;
    const job = this.#job(kind, title, of.id, of.units[0]?.id ?? "main", null);
    this.#run(job, ["sign", "publish", "read_back"], (ended) => end(ended, of));
    return job.id;
  }

  #publish(kind: "ship" | "promote", handle: string): { job: string } {
    const known = this.#plans.get(handle);
    if (!known) throw data.unreadable;
    const { plan, workspace, unit, channel } = known;
    const version = "version" in plan ? plan.version : plan.release.version;
    const title = kind === "ship" ? `Ship ${version} to ${channel}` : `Promote ${version} to ${channel}`;
    const job = this.#job(kind, title, workspace, unit, channel);
    this.#run(job, ["sign", "upload", "publish", "read_back"], (ended) => ({
      receipt: ship.receiptOf(this.#now(), this.#workspace(workspace), ended, plan),
    }));
    return { job: job.id };
  }
}
