import { call, toIpcError } from "../../lib/backend";
import type { SettingsPlan } from "../../lib/bindings/SettingsPlan";
import { JobFlow } from "../ship/job.svelte";

/** A change of signed settings, from what it would sign to the job that signs it, or asks the others. */
export abstract class SettingsFlow extends JobFlow {
  plan = $state.raw<SettingsPlan | null>(null);
  typed = $state("");
  /** It was asked for and waits for others. */
  asked = $state(false);
  #count = 0;

  /** Why the button in front is closed; nothing when it is open. */
  abstract get closed(): string | null;

  /** Derives what it would sign. An older answer that comes late is dropped. */
  protected async derive(ask: () => Promise<SettingsPlan>): Promise<void> {
    const mine = this.dropPlan();
    this.busy = true;
    try {
      const plan = await ask();
      if (mine === this.#count) this.plan = plan;
    } catch (thrown) {
      if (mine === this.#count) this.error = toIpcError(thrown);
    } finally {
      if (mine === this.#count) this.busy = false;
    }
  }

  /** Another choice: what was derived for the one before counts no more. */
  protected dropPlan(): number {
    this.plan = null;
    this.error = null;
    this.busy = false;
    this.typed = "";
    return (this.#count += 1);
  }

  /** Why it cannot be signed or asked for; nothing when it can. */
  protected get closedPlan(): string | null {
    const { plan } = this;
    if (this.busy) return "Reading storage…";
    if (this.error !== null) return "The change could not be derived";
    if (plan === null || (plan.problem !== null && !plan.canAsk)) return "Needs a key that can sign here";
    // What others sign is confirmed where it is published.
    const word = plan.canAsk ? null : plan.typeToConfirm;
    return word !== null && this.typed.trim() !== word ? `Needs the channel's name: ${word}` : null;
  }

  /** Signs it, or asks the others. */
  async confirm(): Promise<void> {
    const { plan } = this;
    if (plan === null || this.closed !== null) return;
    await this.attempt(async () => {
      const typed = plan.typeToConfirm === null ? null : this.typed.trim();
      if (plan.canAsk) {
        const { job } = await call("approval_ask", { plan: plan.plan, reason: "" });
        this.asked = true;
        await this.show(job);
      } else {
        const { job } = await call("settings_start", { plan: plan.plan, typed });
        await this.show(job);
      }
    });
  }
}
