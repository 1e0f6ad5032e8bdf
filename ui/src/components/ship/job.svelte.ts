import { untrack } from "svelte";
import { toIpcError } from "../../lib/backend";
import type { IpcError } from "../../lib/bindings/IpcError";
import type { Job } from "../../lib/bindings/Job";
import { jobs } from "../../lib/stores/jobs.svelte";
import { follow } from "./follow";

/** What every sheet does with the job that it started: shows it, and lets a person stop it or go on. */
export class JobFlow {
  error = $state.raw<IpcError | null>(null);
  busy = $state(false);
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

  /** Does something that may fail; the failure is the sheet's error. */
  protected async attempt(act: () => Promise<void>): Promise<void> {
    untrack(() => (this.error = null));
    this.busy = true;
    try {
      await act();
    } catch (thrown) {
      this.error = toIpcError(thrown);
    } finally {
      this.busy = false;
    }
  }

  async #onJob(act: (id: string) => Promise<void>): Promise<void> {
    const id = this.jobId;
    if (id !== null) await this.attempt(() => act(id));
  }
}
