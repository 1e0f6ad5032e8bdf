import type { Job } from "../bindings/Job";
import { call } from "../backend";

/** Jobs that are not dismissed, newest first, kept current by the engine's events. */
class JobsStore {
  #list = $state.raw<Job[]>([]);

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

  /** One job; reactive when read in a component. */
  get(id: string | null): Job | undefined {
    return id === null ? undefined : this.#list.find((job) => job.id === id);
  }

  /** Takes a job from an event or an answer. */
  apply(job: Job): void {
    const known = this.#list.some((other) => other.id === job.id);
    this.#list = known ? this.#list.map((other) => (other.id === job.id ? job : other)) : [job, ...this.#list];
  }

  /** Replaces all jobs. */
  set(jobs: Job[]): void {
    this.#list = jobs;
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

  /** Goes on with a job that failed or waits. */
  async resume(id: string): Promise<void> {
    await call("job_resume", { job: id });
  }

  /** Hides an ended job. */
  async dismiss(id: string): Promise<void> {
    await call("job_dismiss", { job: id });
    this.#list = this.#list.filter((job) => job.id !== id);
  }
}

export const jobs = new JobsStore();
