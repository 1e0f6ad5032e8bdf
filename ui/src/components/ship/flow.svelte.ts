import { call, toIpcError } from "../../lib/backend";
import type { Inspection } from "../../lib/bindings/Inspection";
import type { Job } from "../../lib/bindings/Job";
import type { SignPlan } from "../../lib/bindings/SignPlan";
import { Attempt } from "../../lib/stores/attempt.svelte";
import { jobs } from "../../lib/stores/jobs.svelte";
import { draftOf, fieldErrors, requestOf, type Draft } from "./draft";
import { needsMore } from "../approvals/words";
import { follow } from "./follow";

export type Step = "read" | "inspect" | "sign" | "upload" | "release";

interface Start {
  workspace: string;
  unit: string;
  /** Handle of a new web build. */
  handle: string | null;
  /** A job to show again. */
  job: string | null;
  /** The channel that is suggested: the first one. */
  channel: string;
}

/** Milliseconds without a keystroke before the plan is derived again. */
const TYPING_PAUSE = 300;

/** One web build on its way from the drop to the receipt. The engine decides; this remembers and asks. */
export class ShipFlow extends Attempt {
  readonly #start: Start;
  inspectJob = $state<string | null>(null);
  shipJob = $state<string | null>(null);
  /** The request that the followed job makes, when it asks for signatures. */
  askedId = $state<string | null>(null);
  inspection = $state.raw<Inspection | null>(null);
  draft = $state<Draft | null>(null);
  plan = $state.raw<SignPlan | null>(null);
  /** The person stands at the sign step. */
  signing = $state(false);
  /** A request is under way. */
  typed = $state("");
  /** A re-inspection runs; the old figures stay readable meanwhile. */
  again = $state(false);
  excluded = $state(false);
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(start: Start) {
    super();
    this.#start = start;
  }

  get job(): Job | undefined {
    return jobs.get(this.shipJob);
  }

  get reading(): Job | undefined {
    return jobs.get(this.inspectJob);
  }

  get step(): Step {
    if (this.shipJob !== null) return this.job?.state === "done" && this.job.receipt ? "release" : "upload";
    if (this.inspection === null) return "read";
    return this.signing && this.plan !== null ? "sign" : "inspect";
  }

  /** Starts the inspection, or finds the job that is shown again. */
  async begin(): Promise<void> {
    const { job, handle } = this.#start;
    if (job !== null) {
      await this.attempt(async () => {
        const found = await follow(job);
        if (found.kind === "inspect") this.inspectJob = job;
        else this.shipJob = job;
      });
    } else if (handle !== null) {
      await this.inspect(false);
    }
  }

  async inspect(excludeSourceMaps: boolean): Promise<void> {
    const handle = this.inspection?.handle ?? this.#start.handle;
    // A job that is shown again may not say which web build it reads, but it can go on by itself.
    if (handle === null) return this.resume();
    this.excluded = excludeSourceMaps;
    this.again = this.inspection !== null;
    await this.attempt(async () => {
      const { workspace, unit } = this.#start;
      const { job } = await call("inspect_start", { workspace, unit, handle, excludeSourceMaps });
      await follow(job);
      this.inspectJob = job;
    });
    if (this.error !== null) this.again = false;
  }

  /** Called whenever the inspection's job moves. */
  async onRead(job: Job): Promise<void> {
    if (job.state === "failed") {
      this.error = job.error;
      this.again = false;
    }
    if (job.state === "cancelled") this.again = false;
    const handle = job.handle;
    if (job.state !== "done" || handle === null) return;
    await this.attempt(async () => {
      const made = await call("inspection", { handle });
      this.inspection = made;
      this.excluded = made.sourceMapsExcluded;
      if (this.draft === null) this.draft = draftOf(made, this.#start.channel);
      this.again = false;
      this.inspectJob = null;
    });
    // Its result is on screen; the list of jobs should not keep it.
    if (this.error === null) await jobs.dismiss(job.id).catch(() => undefined);
  }

  /** Derives what would be signed and goes to the sign step. */
  async prepare(): Promise<void> {
    this.plan = null;
    this.typed = "";
    await this.#derive();
    if (this.plan !== null) this.signing = true;
  }

  /** Derives the plan again after a field of the sign step changed. The old plan cannot be signed meanwhile. */
  later(): void {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.busy = true;
    this.#timer = setTimeout(() => void this.#derive(), TYPING_PAUSE);
  }

  async #derive(): Promise<void> {
    const { draft, inspection } = this;
    if (draft === null || inspection === null) return;
    const asked = (this.#asked += 1);
    if (Object.keys(fieldErrors(draft)).length > 0) {
      this.busy = false;
      return;
    }
    const { workspace, unit } = this.#start;
    this.busy = true;
    this.error = null;
    try {
      const plan = await call("ship_prepare", requestOf(draft, inspection, workspace, unit));
      // An answer to an older question must not replace the newer one.
      if (asked === this.#asked) this.plan = plan;
    } catch (thrown) {
      if (asked === this.#asked) this.error = toIpcError(thrown);
    } finally {
      if (asked === this.#asked) this.busy = false;
    }
  }

  back(): void {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.busy = false;
    this.signing = false;
    this.error = null;
  }

  /** Signs and starts the upload. */
  async sign(): Promise<void> {
    const plan = this.plan;
    if (plan === null || this.busy) return;
    await this.attempt(async () => {
      const typed = plan.typeToConfirm === null ? null : this.typed.trim();
      const { job } = await call("ship_start", { plan: plan.plan, typed });
      await follow(job);
      this.shipJob = job;
    });
  }

  /** Asks the others for their signatures. Rejects when nobody was asked. */
  async ask(reason: string): Promise<void> {
    const { plan } = this;
    if (plan === null || this.unready !== null) return;
    const asked = await call("approval_ask", { plan: plan.plan, reason });
    await follow(asked.job);
    this.askedId = asked.id;
    this.shipJob = asked.job;
  }

  /** The request, once its job is done: it has a page of its own. */
  get request(): string | null {
    return this.job?.state === "done" ? this.askedId : null;
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

  async #onJob(act: (id: string) => Promise<void>): Promise<void> {
    const id = this.shipJob ?? this.inspectJob;
    if (id !== null) await this.attempt(() => act(id));
  }

  /** Why neither signing nor asking is open; nothing when one is. */
  get unready(): string | null {
    const { plan, draft } = this;
    if (plan === null || draft === null) return "Nothing to sign yet";
    if (plan.problem !== null && !plan.canAsk) return "The key cannot sign here";
    const errors = fieldErrors(draft);
    if (errors.commit || errors.author || errors.message) return "A field below needs another value";
    if (this.busy) return "Deriving what is signed…";
    if (this.error !== null) return "What is signed could not be derived";
    return null;
  }

  /** Why signing is closed; nothing when it is open. */
  get signClosed(): string | null {
    const { plan, unready } = this;
    if (plan === null || unready !== null) return unready;
    if (plan.canAsk) return needsMore(plan.missing);
    if (plan.typeToConfirm !== null && this.typed.trim() !== plan.typeToConfirm) {
      return `Needs the channel's name: ${plan.typeToConfirm}`;
    }
    return null;
  }
}
