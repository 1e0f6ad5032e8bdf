import { call, toIpcError } from "../../lib/backend";
import type { Gate } from "../../lib/bindings/Gate";
import type { PromotePlan } from "../../lib/bindings/PromotePlan";
import { needsMore } from "../approvals/words";
import { JobFlow } from "../ship/job.svelte";

interface Start {
  workspace: string;
  unit: string;
  gate: Gate;
  /** A job to look at again. */
  job: string | null;
}

/** One release on its way through one gate. */
export class PromoteFlow extends JobFlow {
  readonly #start: Start;
  plan = $state.raw<PromotePlan | null>(null);
  typed = $state("");
  /** The request that the followed job makes, when it asks for signatures. */
  askedId = $state<string | null>(null);
  #asked = 0;

  constructor(start: Start) {
    super();
    this.#start = start;
  }

  async begin(): Promise<void> {
    const { job } = this.#start;
    if (job === null) {
      await this.prepare(null);
      return;
    }
    await this.attempt(() => this.show(job));
  }

  /** Derives the promotion with a first share in permille; nothing = the channel's own. */
  async prepare(permille: number | null): Promise<void> {
    const { workspace, unit, gate } = this.#start;
    const asked = (this.#asked += 1);
    if (gate.build === null) {
      this.error = {
        code: "promote.nothing",
        message: gate.reason,
        holds: "Nothing was changed.",
        remedy: `Release to ${gate.from} first.`,
        detail: null,
        retryable: false,
        field: null,
      };
      return;
    }
    this.busy = true;
    this.error = null;
    try {
      const { from, to, build } = gate;
      const plan = await call("promote_prepare", { workspace, unit, build, from, to, permille });
      if (asked === this.#asked) this.plan = plan;
    } catch (thrown) {
      if (asked === this.#asked) this.error = toIpcError(thrown);
    } finally {
      if (asked === this.#asked) this.busy = false;
    }
  }

  /** Why neither promoting nor asking is open; nothing when one is. */
  get unready(): string | null {
    const { plan } = this;
    if (plan === null) return this.error ? "The promotion could not be derived" : "Reading storage…";
    if (this.error !== null) return "The promotion could not be derived";
    if (plan.fromSha256 !== plan.toSha256) return "The bytes are not the same";
    return null;
  }

  /** Why promoting is closed; nothing when it is open. */
  get closed(): string | null {
    const { plan, unready } = this;
    if (plan === null || unready !== null) return unready;
    if (plan.canAsk) {
      const typed = plan.typeToConfirm === null ? "" : ". The channel's name is typed when it is published";
      return needsMore(plan.missing) + typed;
    }
    const missing: string[] = [];
    if (plan.problem !== null) missing.push("a key that can sign here");
    if (plan.typeToConfirm !== null && this.typed.trim() !== plan.typeToConfirm) missing.push("the channel's name");
    if (missing.length > 0) return `Needs ${missing.join(" and ")}`;
    return this.busy ? "Reading storage…" : null;
  }

  async promote(): Promise<void> {
    const { plan } = this;
    if (plan === null || this.closed !== null) return;
    await this.attempt(async () => {
      const typed = plan.typeToConfirm === null ? null : this.typed.trim();
      const { job } = await call("promote_start", { plan: plan.plan, typed });
      await this.show(job);
    });
  }

  /** Asks the others for their signatures. Rejects when nobody was asked. */
  async ask(reason: string): Promise<void> {
    const { plan } = this;
    if (plan === null || this.unready !== null || this.busy) return;
    const asked = await call("approval_ask", { plan: plan.plan, reason });
    this.askedId = asked.id;
    await this.show(asked.job);
  }

  /** The request, once its job is done: it has a page of its own. */
  get request(): string | null {
    return this.job?.state === "done" ? this.askedId : null;
  }
}
