import type { Job } from "../../lib/bindings/Job";
import { Attempt } from "../../lib/stores/attempt.svelte";
import { jobs } from "../../lib/stores/jobs.svelte";
import { follow } from "./follow";

/** What every sheet does with the job that it started: shows it, and lets a person stop it or go on. */
export class JobFlow extends Attempt {
  jobId = $state<string | null>(null);

  get job(): Job | undefined {
    return jobs.get(this.jobId);
  }

  cancel(): Promise<void> {
    return this.#onJob((id) => jobs.cancel(id));
  }

  resume(): Promise<void> {
    return this.#onJob((id) => jobs.resume(id));
  }

  pause(): Promise<void> {
    return this.#onJob((id) => jobs.pause(id));
  }

  retryNow(): Promise<void> {
    return this.#onJob((id) => jobs.retryNow(id));
  }

  /** Shows a job from now on. */
  protected async show(job: string): Promise<void> {
    await follow(job);
    this.jobId = job;
  }

  async #onJob(act: (id: string) => Promise<void>): Promise<void> {
    const id = this.jobId;
    if (id !== null) await this.attempt(() => act(id));
  }
}
