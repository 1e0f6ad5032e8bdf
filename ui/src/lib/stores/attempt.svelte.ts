import type { IpcError } from "../bindings/IpcError";
import { toIpcError } from "../backend";

/** What a form does that may fail: once at a time, with the failure kept for the form to show. */
export class Attempt {
  busy = $state(false);
  error = $state.raw<IpcError | null>(null);

  /** Does it, unless it is being done already. */
  async run(act: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = null;
    try {
      await act();
    } catch (thrown) {
      this.error = toIpcError(thrown);
    } finally {
      this.busy = false;
    }
  }
}
