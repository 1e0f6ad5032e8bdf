import type { AppState } from "../../bindings/AppState";
import type { Board } from "../../bindings/Board";
import type { CommandMap } from "../../bindings/CommandMap";
import type { Event } from "../../bindings/Event";
import type { Inspection } from "../../bindings/Inspection";
import type { IpcError } from "../../bindings/IpcError";
import type { Job } from "../../bindings/Job";
import type { Picked } from "../../bindings/Picked";
import type { PromotePlan } from "../../bindings/PromotePlan";
import type { SignPlan } from "../../bindings/SignPlan";
import type { Workspace } from "../../bindings/Workspace";
import type { Backend, Command } from "../backend";
import * as data from "./data";
import { play } from "./play";
import * as ship from "./ship";

/** What the sample window shows at the start. */
export type Scenario =
  "welcome" | "connect" | "empty" | "pipeline" | "offline" | "validity" | "error" | "drop" | "loading";

type Handlers = { [C in Command]?: (request: CommandMap[C][0]) => CommandMap[C][1] | Promise<CommandMap[C][1]> };

/** Sample engine for tests and for looking at screens in a browser. It signs and stores nothing. */
export class FakeBackend implements Backend {
  /** Requests that it got, in order. */
  readonly calls: { name: Command; request: unknown }[] = [];
  /** Milliseconds between two steps of a job. */
  pace: number;

  workspaces: Workspace[] = [];
  boards = new Map<string, Board>();
  jobs: Job[] = [];
  theme = "system";

  #listener: ((event: Event) => void) | null = null;
  #failures = new Map<Command, IpcError>();
  #inspections = new Map<string, Inspection>();
  #plans = new Map<string, { plan: SignPlan | PromotePlan; workspace: string; unit: string; channel: string }>();
  #picked = new Map<string, Picked>([
    [ship.www.handle, ship.www],
    [ship.photo.handle, ship.photo],
  ]);
  #active: string | null = null;
  #count = 0;
  readonly #scenario: Scenario;
  readonly #now: () => number;

  constructor(scenario: Scenario = "pipeline", options: { now?: () => number; pace?: number } = {}) {
    this.#scenario = scenario;
    this.#now = options.now ?? Date.now;
    this.pace = options.pace ?? 400;
    if (scenario === "welcome" || scenario === "connect") return;
    const now = this.#now();
    const workspace = scenario === "empty" ? data.sandbox : data.workspace;
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

  subscribe(onEvent: (event: Event) => void): Promise<void> {
    this.#listener = onEvent;
    if (this.#scenario === "drop") {
      setTimeout(() => this.emit({ type: "drop", data: { phase: "enter", item: ship.www } }), 100);
    }
    return Promise.resolve();
  }

  readonly #handlers: Handlers = {
    app_state: () => this.#state(),
    set_theme: ({ theme }) => {
      this.theme = theme;
      return {};
    },
    sandbox_start: () => this.#add(data.sandbox),
    storage_choose: () => ({ path: "/srv/ota" }),
    root_choose: () => ({ root: data.root }),
    connect_test: ({ publicUrl }) => ({ at: new Date(this.#now()).toISOString(), checks: checks(publicUrl) }),
    connect: ({ name, storage, publicUrl }) => this.#add({ ...data.workspace, name, storage, publicUrl }),
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
      this.#plans.set(plan.plan, { plan, workspace: request.workspace, unit: request.unit, channel: request.to });
      return plan;
    },
    promote_start: ({ plan }) => this.#publish("promote", plan),
    jobs: () => ({ jobs: this.jobs }),
    job: ({ job }) => this.#find(job),
    job_cancel: ({ job }) => {
      this.#update({ ...this.#find(job), state: "cancelled", finished: new Date(this.#now()).toISOString() });
      return {};
    },
    job_resume: ({ job }) => {
      this.#update({ ...this.#find(job), state: "running", error: null });
      return {};
    },
    job_dismiss: ({ job }) => {
      this.jobs = this.jobs.filter((other) => other.id !== job);
      return {};
    },
  };

  #state(): AppState {
    return {
      version: "0.1.0",
      theme: this.theme,
      workspaces: this.workspaces,
      active: this.#active,
      recovered: [],
      notices: [],
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
      objects: [],
      skippedObjects: 0,
      skippedBytes: 0,
      started: new Date(this.#now()).toISOString(),
      finished: null,
      error: null,
      receipt: null,
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
      const job = this.#find(start.id);
      if (job.state !== "running") return;
      step += 1;
      if (step >= total) {
        const ended = { ...job, state: "done", phase: "done", finished: new Date(this.#now()).toISOString() };
        this.#update({ ...ended, ...finish(ended) });
        this.emit({ type: "board", data: { workspace: job.workspace } });
        return;
      }
      const share = (step % 4) / 4;
      const bytesDone = Math.round(job.bytesTotal * share);
      this.#update({
        ...job,
        phase: phases[Math.floor(step / 4)] ?? "done",
        bytesDone,
        speed: 2_400_000,
        objects: job.kind === "ship" ? objects(bytesDone) : [],
      });
      setTimeout(next, this.pace);
    };
    setTimeout(next, this.pace);
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

function objects(sent: number): Job["objects"] {
  const size = 11_900_000;
  return [
    { name: "bundles/06f2aa55.zip", sha256: data.digest("06f2aa55"), size, sent, state: "sending" },
    { name: "manifests/b04e71c9.json", sha256: data.digest("b04e71c9"), size: 61_000, sent: 0, state: "queued" },
    { name: "18.main.development.json", sha256: data.digest("5510c7f4"), size: 2_400, sent: 0, state: "queued" },
  ];
}

function checks(publicUrl: string | null): CommandMap["connect_test"][1]["checks"] {
  const passed = (title: string, detail: string, ms: number) => ({ title, detail, ok: true, ms, error: null });
  return [
    passed("Reads", "Root 3, snapshot 42, 214 objects", 38),
    passed("Writes", "Wrote and removed a test object", 61),
    passed("Conditional writes", "The second of two writers was refused, as it must be", 9),
    ...(publicUrl === null ? [] : [passed("Public URL serves the same bytes", "timestamp.json equals storage", 12)]),
    passed("Root of trust", "Root 3 follows from the picked file", 4),
  ];
}

const connectSteps = ["connect", "storage-choose", "root-choose", "root-compared", "connect-test"];

/** Reads the scenario from the address: `?fake=offline`, and what to press: `&press=ship-build,ship-folder`. */
export function fakeFromAddress(query: URLSearchParams): FakeBackend {
  const fake = new FakeBackend((query.get("fake") ?? "welcome") as Scenario);
  fake.theme = query.get("theme") ?? "system";
  const pressed = query.get("press")?.split(",") ?? [];
  void play(query.get("fake") === "connect" ? [...connectSteps, ...pressed] : pressed);
  return fake;
}
