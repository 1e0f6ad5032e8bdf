import { call, toIpcError } from "../../lib/backend";
import type { DeliverPlan } from "../../lib/bindings/DeliverPlan";
import { JobFlow } from "../ship/job.svelte";
import { titleOf, ways, type DeliverWay } from "./words";

interface Start {
  workspace: string;
  now: DeliverWay;
}

/** A change of what releases put into storage, from the choice to the job that signs it. */
export class DeliverFlow extends JobFlow {
  readonly #start: Start;
  way = $state<DeliverWay>("zip");
  plan = $state.raw<DeliverPlan | null>(null);
  /** It was asked for and waits for others. */
  asked = $state(false);
  #count = 0;

  constructor(start: Start) {
    super();
    this.#start = start;
    this.way = start.now;
  }

  /** Chooses one and derives what it would sign. */
  async choose(way: DeliverWay): Promise<void> {
    this.way = way;
    this.plan = null;
    this.error = null;
    const mine = (this.#count += 1);
    const chosen = ways.find(({ id }) => id === way);
    if (way === this.#start.now || !chosen) return;
    this.busy = true;
    try {
      const { workspace } = this.#start;
      const plan = await call("deliver_prepare", { workspace, delivers: chosen.delivers });
      if (mine === this.#count) this.plan = plan;
    } catch (thrown) {
      if (mine === this.#count) this.error = toIpcError(thrown);
    } finally {
      if (mine === this.#count) this.busy = false;
    }
  }

  /** Why the last button is closed; nothing when it is open. */
  get closed(): string | null {
    if (this.busy) return "Reading storage…";
    if (this.error !== null) return "The change could not be derived";
    if (this.way === this.#start.now) return `Needs another choice: it is “${titleOf(this.way)}” now`;
    if (this.plan === null || (this.plan.problem !== null && !this.plan.canAsk))
      return "Needs a key that can sign here";
    return null;
  }

  /** Signs it, or asks the others. */
  async confirm(): Promise<void> {
    const { plan } = this;
    if (plan === null || this.closed !== null) return;
    await this.attempt(async () => {
      if (plan.canAsk) {
        const { job } = await call("approval_ask", { plan: plan.plan, reason: "" });
        this.asked = true;
        await this.show(job);
      } else {
        const { job } = await call("deliver_start", { plan: plan.plan, typed: null });
        await this.show(job);
      }
    });
  }
}
