import { call, toIpcError } from "../../lib/backend";
import type { PreviousRelease } from "../../lib/bindings/PreviousRelease";
import type { RolloutPlan } from "../../lib/bindings/RolloutPlan";
import type { RolloutView } from "../../lib/bindings/RolloutView";
import type { RolloutAsked } from "../../lib/stores/app.svelte";
import { JobFlow } from "../ship/job.svelte";
import { sameChange } from "./words";

interface Start {
  workspace: string;
  unit: string;
  asked: RolloutAsked;
  /** A job to look at again. */
  job: string | null;
}

/** One change of a rollout, from the question to the job that signs it. */
export class RolloutFlow extends JobFlow {
  readonly #start: Start;
  /** The rollout as it stands: where one can roll back to, who cannot return. */
  view = $state.raw<RolloutView | null>(null);
  plan = $state.raw<RolloutPlan | null>(null);
  typed = $state("");
  reason = $state("");
  /** The rollout moved on between reading and signing: the plan on screen is the new one. */
  moved = $state(false);
  build = $state<number | null>(null);
  #asked = 0;

  constructor(start: Start) {
    super();
    this.#start = start;
    this.build = start.asked.build;
  }

  get target(): PreviousRelease | null {
    return this.view?.previous.find((release) => release.build === this.build) ?? null;
  }

  /** The reason is missing or not good enough, in the engine's words. */
  get reasonError(): string | null {
    return this.error?.field === "reason" ? this.error.message : null;
  }

  async begin(): Promise<void> {
    const { workspace, unit, asked, job } = this.#start;
    if (job !== null) {
      await this.attempt(() => this.show(job));
      return;
    }
    await this.attempt(async () => {
      this.view = await call("rollout", { workspace, unit, channel: asked.channel });
    });
    if (this.error) return;
    if (asked.action === "roll_back") this.build ??= this.view?.previous[0]?.build ?? null;
    await this.prepare();
  }

  /** Derives the change. Signs nothing. */
  async prepare(): Promise<RolloutPlan | null> {
    const { workspace, unit, asked } = this.#start;
    const mine = (this.#asked += 1);
    this.busy = true;
    this.error = null;
    try {
      const { channel, action, permille } = asked;
      const build = action === "roll_back" ? this.build : null;
      const reason = this.reason.trim();
      const plan = await call("rollout_prepare", { workspace, unit, channel, action, permille, build, reason });
      if (mine !== this.#asked) return null;
      this.plan = plan;
      return plan;
    } catch (thrown) {
      if (mine === this.#asked) this.error = toIpcError(thrown);
      return null;
    } finally {
      if (mine === this.#asked) this.busy = false;
    }
  }

  /** Another release to roll back to. */
  async retarget(build: number): Promise<void> {
    this.build = build;
    await this.prepare();
  }

  /** Why signing is closed; nothing when it is open. */
  get closed(): string | null {
    const { plan } = this;
    if (this.error !== null && this.reasonError === null) return "The change could not be derived";
    if (plan === null) return this.reasonError === null ? "Reading the rollout…" : null;
    const missing: string[] = [];
    if (plan.problem !== null) missing.push("a key that can sign here");
    // Everyone who meets a closed channel reads why; nobody should have to ask.
    if (this.#start.asked.action === "freeze" && this.reason.trim() === "") missing.push("a reason");
    if (plan.typeToConfirm !== null && this.typed.trim() !== plan.typeToConfirm) missing.push("the channel's name");
    if (missing.length > 0) return `Needs ${missing.join(" and ")}`;
    return this.busy ? "Reading the rollout…" : null;
  }

  /** Signs it. The reason is part of what is signed, so the plan is derived again with it, and compared. */
  async sign(): Promise<void> {
    const shown = this.plan;
    if (this.closed !== null) return;
    this.moved = false;
    const plan = shown !== null && shown.change.reason === this.reason.trim() ? shown : await this.prepare();
    if (plan === null) return;
    if (shown === null || !sameChange(shown, plan)) {
      this.moved = shown !== null;
      return;
    }
    await this.attempt(async () => {
      const typed = plan.typeToConfirm === null ? null : this.typed.trim();
      const { job } = await call("rollout_start", { plan: plan.plan, typed });
      await this.show(job);
    });
  }
}
