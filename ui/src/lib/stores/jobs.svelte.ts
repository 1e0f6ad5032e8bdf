import type { Job } from "../bindings/Job";
import { call } from "../backend";

/** Speeds that a sparkline shows. */
const REMEMBERED = 30;

/** Jobs that are not dismissed, newest first, kept current by the engine's events. */
class JobsStore {
  #list = $state.raw<Job[]>([]);
  /** Speeds of the registry by job, oldest first. They outlive the sheet that shows them. */
  #speeds = new Map<string, number[]>();

  /** All jobs, newest first. */
  get list(): Job[] {
    return this.#list;
  }

  /** Jobs that work now. */
  get running(): Job[] {
    return this.#list.filter((job) => job.state === "running");
  }

  /** Jobs that need a person: failed, or too old to resume by themselves. */
  get needing(): Job[] {
    return this.#list.filter((job) => job.state === "failed" || job.state === "waiting");
  }

  /** Jobs that a person holds. */
  get paused(): Job[] {
    return this.#list.filter((job) => job.state === "paused");
  }

  /** One job; reactive when read in a component. */
  get(id: string | null): Job | undefined {
    return id === null ? undefined : this.#list.find((job) => job.id === id);
  }

  /** Bytes a second at the last movements of an upload, oldest first; read it together with the job. */
  speeds(id: string): number[] {
    return this.#speeds.get(id) ?? [];
  }

  #remember(job: Job): void {
    const first = job.targets[0];
    if (job.state !== "running" || job.phase !== "upload" || !first) return;
    const speed = first.state === "retrying" ? 0 : first.speed;
    this.#speeds.set(job.id, [...this.speeds(job.id), speed].slice(-REMEMBERED));
  }

  /** Takes a job from an event or an answer. */
  apply(job: Job): void {
    this.#remember(job);
    const known = this.#list.some((other) => other.id === job.id);
    this.#list = known ? this.#list.map((other) => (other.id === job.id ? job : other)) : [job, ...this.#list];
  }

  /** Replaces all jobs. */
  set(jobs: Job[]): void {
    this.#list = jobs;
    const kept = new Set(jobs.map((job) => job.id));
    for (const id of this.#speeds.keys()) if (!kept.has(id)) this.#speeds.delete(id);
  }

  /** Reads all jobs from the engine. */
  async load(): Promise<void> {
    this.set((await call("jobs", {})).jobs);
  }

  /** Reads one job, for a job that started before its first event arrived. */
  async refresh(id: string): Promise<Job> {
    const job = await call("job", { job: id });
    this.apply(job);
    return job;
  }

  /** Stops a job that has not committed. */
  async cancel(id: string): Promise<void> {
    await call("job_cancel", { job: id });
  }

  /** Holds a job that has not committed. */
  async pause(id: string): Promise<void> {
    await call("job_pause", { job: id });
  }

  /** Ends the pause before the next try. */
  async retryNow(id: string): Promise<void> {
    await call("job_retry_now", { job: id });
  }

  /** Goes on with a job that failed, waits or is paused. */
  async resume(id: string): Promise<void> {
    await call("job_resume", { job: id });
  }

  /** Hides an ended job. */
  async dismiss(id: string): Promise<void> {
    await call("job_dismiss", { job: id });
    this.#list = this.#list.filter((job) => job.id !== id);
    this.#speeds.delete(id);
  }
}

export const jobs = new JobsStore();
