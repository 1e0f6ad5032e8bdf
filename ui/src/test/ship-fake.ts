import type { CommandMap } from "../lib/bindings/CommandMap";
import type { Event } from "../lib/bindings/Event";
import type { Inspection } from "../lib/bindings/Inspection";
import type { IpcError } from "../lib/bindings/IpcError";
import type { Job } from "../lib/bindings/Job";
import type { NativeRange } from "../lib/bindings/NativeRange";
import type { ShipRequest } from "../lib/bindings/ShipRequest";
import { target } from "../lib/backend/fake/upload";
import { CONFLICT, inspectionData, objectsData, promotePlanData, receiptData, signPlanData } from "./ship-data";

/** What a fake backend answers; a thrown `IpcError` is a refusal. */
export type ShipHandlers = {
  [K in keyof CommandMap]: (request: CommandMap[K][0]) => Promise<CommandMap[K][1]>;
};

/** What goes wrong in the script. */
export interface ShipScript {
  /** Milliseconds between two movements of a job. */
  tick: number;
  /** The upload fails with a version conflict; going on succeeds. */
  fail: boolean;
  /** The signing key is not on this computer. */
  noKey: boolean;
  /** Promotion would serve other bytes. */
  differ: boolean;
  /** A missing index.html, which nobody can allow. */
  broken: boolean;
  /** The job stays where it is (for screenshots). */
  hold: boolean;
}

const CALM: ShipScript = { tick: 250, fail: false, noKey: false, differ: false, broken: false, hold: false };

type PlanFacts = { title: string; kind: string; version: string; build: number; channel: string; permille: number };

function words(range: NativeRange): string {
  if (range.min === null && range.max === null) return "all native versions";
  return `Native ${range.min ?? "0.0.0"} – ${range.max ?? "newest"}`;
}

/** A scripted engine for shipping and promoting: jobs that move over time, in memory only. */
export class ShipFake {
  readonly #jobs = new Map<string, Job>();
  readonly #inspections = new Map<string, Inspection>();
  readonly #plans = new Map<string, PlanFacts & { typed: string | null }>();
  readonly #running = new Map<string, PlanFacts>();
  #emit: (event: Event) => void = () => undefined;
  #count = 0;
  script: ShipScript;

  constructor(script: Partial<ShipScript> = {}) {
    this.script = { ...CALM, ...script };
  }

  /** Where events go. */
  listen(emit: (event: Event) => void): void {
    this.#emit = emit;
  }

  readonly handlers: Partial<ShipHandlers> = {
    inspect_start: ({ workspace, unit, handle, excludeSourceMaps }) => {
      const job = this.#newJob("inspect", "Inspect www", workspace, unit, null);
      const made = inspectionData(handle, "www", excludeSourceMaps, new Date().toISOString());
      if (this.script.broken) {
        made.findings.unshift({
          code: "build.no_index",
          severity: "error",
          title: "No index.html at the root",
          text: "A device could not start this bundle.",
          path: null,
          line: null,
          fix: "Drop the folder that index.html lies in.",
          allowable: false,
        });
      }
      this.#inspections.set(handle, made);
      this.#move(job.id, [
        { phase: "read", bytesDone: 12_000_000, bytesTotal: made.size },
        { phase: "pack", bytesDone: 31_000_000, bytesTotal: made.size },
        { phase: "done", state: "done", bytesDone: made.size, bytesTotal: made.size, handle },
      ]);
      return Promise.resolve({ job: job.id });
    },
    inspection: ({ handle }) => this.#found(this.#inspections.get(handle), "inspection"),
    ship_prepare: (request) => Promise.resolve(this.#prepare(request)),
    ship_start: ({ plan, typed }) => this.#start(plan, typed),
    promote_prepare: ({ from, to, build, permille }) => {
      const share = permille ?? (to === "production" ? 10 : 1000);
      const plan = promotePlanData(from, to, build, share, new Date().toISOString(), this.script.differ);
      this.#plans.set(plan.plan, {
        title: `Promote ${plan.release.version} to ${to}`,
        kind: "promote",
        version: plan.release.version,
        build,
        channel: to,
        permille: share,
        typed: plan.typeToConfirm,
      });
      return Promise.resolve(plan);
    },
    promote_start: ({ plan, typed }) => this.#start(plan, typed),
    jobs: () => Promise.resolve({ jobs: [...this.#jobs.values()].reverse() }),
    job: ({ job }) => this.#found(this.#jobs.get(job), "job"),
    job_cancel: ({ job }) => {
      this.#update(job, { state: "cancelled", finished: new Date().toISOString() });
      return Promise.resolve({});
    },
    job_pause: ({ job }) => {
      this.#update(job, { state: "paused" });
      return Promise.resolve({});
    },
    job_retry_now: () => Promise.resolve({}),
    credentials_set: () => Promise.resolve({}),
    job_resume: ({ job }) => {
      this.#update(job, { state: "running", error: null, finished: null });
      this.#finish(job);
      return Promise.resolve({});
    },
    job_dismiss: ({ job }) => {
      this.#jobs.delete(job);
      return Promise.resolve({});
    },
  };

  #prepare(request: ShipRequest): ReturnType<typeof signPlanData> {
    const inspection = this.#inspections.get(request.handle);
    const findings = (inspection?.findings ?? [])
      .filter((finding) => finding.severity === "error" || finding.severity === "warning")
      .map((finding) => ({
        finding,
        reason: request.allow.find((allow) => allow.code === finding.code)?.reason ?? null,
      }));
    const wish = {
      version: request.version,
      build: request.build ?? 1316,
      channel: request.channel,
      native: words(request.ios),
      findings,
      permille: request.channel === "production" ? 10 : 1000,
    };
    const plan = signPlanData(wish, this.script.noKey);
    this.#plans.set(plan.plan, {
      ...wish,
      title: `Ship ${wish.version} to ${wish.channel}`,
      kind: "ship",
      typed: plan.typeToConfirm,
    });
    return plan;
  }

  #start(plan: string, typed: string | null): Promise<{ job: string }> {
    const facts = this.#plans.get(plan);
    if (!facts) return this.#found<{ job: string }>(undefined, "plan");
    if (facts.typed !== null && facts.typed !== typed) {
      return refuse({
        code: "confirm.not_typed",
        message: `The channel's name ‘${facts.typed}’ was not typed.`,
        holds: "Nothing was signed.",
        remedy: "Type it, then try again.",
        detail: null,
        retryable: false,
        field: "typed",
      });
    }
    const job = this.#newJob(facts.kind, facts.title, "acme", "main", facts.channel);
    this.#running.set(job.id, facts);
    this.#upload(job.id);
    return Promise.resolve({ job: job.id });
  }

  #upload(id: string): void {
    const total = 1_800_000;
    const frames: Partial<Job>[] = [{ phase: "sign", bytesDone: 0, bytesTotal: 0 }];
    for (const share of [0, 0.12, 0.3, 0.55, 0.8, 1]) {
      const objects = objectsData(total);
      let left = Math.round(total * share);
      for (const object of objects) {
        object.sent = Math.min(object.size, left);
        left -= object.sent;
        if (object.sent === object.size) object.state = "done";
        else if (object.sent > 0) object.state = "sending";
      }
      const bytesDone = Math.round(total * share);
      const objectsDone = objects.filter((object) => object.state === "done").length;
      const own = target({ bytesDone, bytesTotal: total, objectsDone, objectsTotal: objects.length });
      frames.push({
        phase: "upload",
        bytesDone,
        bytesTotal: total,
        speed: 48_000,
        targets: [own],
        objects,
        objectsDone,
        objectsTotal: objects.length,
      });
      if (this.script.hold && share >= 0.3) break;
    }
    if (this.script.fail) {
      frames.push({ phase: "publish", state: "failed", error: CONFLICT, finished: new Date().toISOString() });
      this.#move(id, frames);
    } else if (this.script.hold) {
      this.#move(id, frames);
    } else {
      this.#move(id, frames, () => {
        this.#finish(id);
      });
    }
  }

  #finish(id: string): void {
    const facts = this.#running.get(id);
    if (!facts) return;
    const now = new Date();
    const receipt = receiptData(facts.version, facts.build, facts.channel, facts.permille, now);
    this.#move(id, [
      { phase: "publish", speed: 0 },
      { phase: "read_back", speed: 0 },
      { phase: "done", state: "done", receipt, finished: now.toISOString() },
    ]);
  }

  #newJob(kind: string, title: string, workspace: string, unit: string, channel: string | null): Job {
    this.#count += 1;
    const job: Job = {
      id: `job-${String(this.#count)}`,
      kind,
      workspace,
      unit,
      title,
      state: "running",
      phase: kind === "inspect" ? "read" : "sign",
      bytesDone: 0,
      bytesTotal: 0,
      speed: 0,
      targets: [],
      objects: [],
      objectsTotal: 0,
      objectsDone: 0,
      skippedObjects: kind === "inspect" ? 0 : 631,
      skippedBytes: kind === "inspect" ? 0 : 36_200_000,
      started: new Date().toISOString(),
      finished: null,
      error: null,
      receipt: null,
      undo: null,
      handle: null,
      channel,
    };
    this.#jobs.set(job.id, job);
    this.#emit({ type: "job", data: job });
    return job;
  }

  #update(id: string, change: Partial<Job>): void {
    const job = this.#jobs.get(id);
    if (!job) return;
    const next = { ...job, ...change };
    this.#jobs.set(id, next);
    this.#emit({ type: "job", data: next });
  }

  #move(id: string, frames: Partial<Job>[], then?: () => void): void {
    const [frame, ...rest] = frames;
    if (!frame) {
      then?.();
      return;
    }
    setTimeout(() => {
      if (this.#jobs.get(id)?.state !== "running") return;
      this.#update(id, frame);
      this.#move(id, rest, then);
    }, this.script.tick);
  }

  #found<T>(value: T | undefined, what: string): Promise<T> {
    if (value !== undefined) return Promise.resolve(value);
    return refuse({
      code: `${what}.unknown`,
      message: `This ${what} is not known any more.`,
      holds: "Nothing was changed.",
      remedy: "Close this sheet and start again.",
      detail: null,
      retryable: false,
      field: null,
    });
  }
}

function refuse<T>(error: IpcError): Promise<T> {
  // The bridge rejects with the plain error object, as the real one does.
  return Promise.reject(error);
}
