import { untrack } from "svelte";
import type { IpcError } from "../bindings/IpcError";
import { toIpcError } from "../backend";

/** What a form or a sheet does that may fail, with the failure kept for it to show. */
export class Attempt {
  busy = $state(false);
  error = $state.raw<IpcError | null>(null);

  /** Does it, unless something is being done already. */
  async run(act: () => Promise<void>): Promise<void> {
    if (!untrack(() => this.busy)) await this.attempt(act);
  }

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
}
