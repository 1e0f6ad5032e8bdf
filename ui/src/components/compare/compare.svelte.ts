import { untrack } from "svelte";
import { call, toIpcError } from "../../lib/backend";
import type { Comparison } from "../../lib/bindings/Comparison";
import type { IpcError } from "../../lib/bindings/IpcError";
import type { Job } from "../../lib/bindings/Job";
import type { Picked } from "../../lib/bindings/Picked";
import type { ReleaseRef } from "../../lib/stores/drop.svelte";
import { Attempt } from "../../lib/stores/attempt.svelte";
import { jobs } from "../../lib/stores/jobs.svelte";
import { follow } from "../ship/follow";

interface Start {
  workspace: string;
  unit: string;
  release: ReleaseRef;
  item: Picked | null;
  /** Another release to put beside it; nothing = a web build, or it is chosen. */
  other: ReleaseRef | null;
}

/** One web build, or another release, beside one release. Reads, asks, and changes nothing. */
export class CompareFlow extends Attempt {
  readonly #start: Start;
  item = $state.raw<Picked | null>(null);
  other = $state.raw<ReleaseRef | null>(null);
  jobId = $state<string | null>(null);
  result = $state.raw<Comparison | null>(null);
  /** A native dialog is open. */
  choosing = $state(false);

  constructor(start: Start) {
    super();
    this.#start = start;
    this.item = start.item;
    this.other = start.other;
  }

  get job(): Job | undefined {
    return jobs.get(this.jobId);
  }

  async begin(): Promise<void> {
    await this.again();
  }

  /** Compares what is chosen, once more after a failure. */
  async again(): Promise<void> {
    if (this.item) await this.inspect();
    else if (this.other) await this.beside(this.other);
  }

  /** Puts another release beside it: from the older one to the newer one, as devices mostly go. */
  async beside(other: ReleaseRef): Promise<void> {
    this.other = other;
    const { workspace, unit } = this.#start;
    await this.attempt(async () => {
      const request = { workspace, unit, build: this.older.build, other: this.newer?.build ?? other.build };
      this.result = await call("compare_releases", request);
    });
  }

  /** Back to the choice. */
  choices(): void {
    this.other = null;
    this.result = null;
    this.error = null;
  }

  /** The side where the comparison begins. */
  get older(): ReleaseRef {
    const { release } = this.#start;
    return this.other && this.other.build < release.build ? this.other : release;
  }

  /** The release where it ends; nothing = a web build. */
  get newer(): ReleaseRef | null {
    return this.other && this.other === this.older ? this.#start.release : this.other;
  }

  /** Chooses the web build in a native dialog. */
  async choose(kind: "folder" | "zip"): Promise<void> {
    if (this.choosing || this.busy) return;
    this.choosing = true;
    this.error = null;
    try {
      const { item } = await call("build_choose", { kind });
      if (!item) return;
      if (!item.ok) {
        this.error = notTaken(item);
        return;
      }
      this.item = item;
    } catch (thrown) {
      this.error = toIpcError(thrown);
      return;
    } finally {
      this.choosing = false;
    }
    await this.inspect();
  }

  async inspect(): Promise<void> {
    const { item } = this;
    if (!item || this.busy) return;
    const { workspace, unit } = this.#start;
    untrack(() => (this.result = null));
    await this.attempt(async () => {
      const request = { workspace, unit, handle: item.handle, excludeSourceMaps: false };
      const { job } = await call("inspect_start", request);
      await follow(job);
      this.jobId = job;
    });
  }

  /** Called whenever the inspection's job moves. */
  async onRead(job: Job): Promise<void> {
    if (job.state === "failed") this.error = job.error;
    const { handle } = job;
    if (job.state !== "done" || handle === null) return;
    this.jobId = null;
    const { workspace, unit, release } = this.#start;
    await this.attempt(async () => {
      this.result = await call("compare_build", { workspace, unit, handle, build: release.build });
    });
    // Its result is on screen; the list of jobs should not keep it.
    if (this.error === null) await jobs.dismiss(job.id).catch(() => undefined);
  }
}

function notTaken(item: Picked): IpcError {
  return {
    code: "build.no_index",
    message: `‘${item.name}’ was not taken. ${item.says}.`,
    holds: "Nothing was read or changed.",
    remedy: "Choose the folder that holds index.html, often www or dist.",
    detail: null,
    retryable: false,
    field: null,
  };
}
