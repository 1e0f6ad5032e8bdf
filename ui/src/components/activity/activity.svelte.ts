import { call, toIpcError } from "../../lib/backend";
import type { Activity } from "../../lib/bindings/Activity";
import type { IpcError } from "../../lib/bindings/IpcError";
import { clock } from "../../lib/stores/clock.svelte";

/** The log of a workspace: what is known of it at once, then with what is new in storage. */
export class ActivityReading {
  value = $state.raw<Activity | null>(null);
  error = $state.raw<IpcError | null>(null);
  /** Every file is read from storage. */
  verifying = $state(false);
  #of = "";
  /** Readings of the same log go one after the other: a later one is never overwritten by an earlier one. */
  #line: Promise<void> = Promise.resolve();
  #waiting = false;

  /** Reads what is new. */
  open(workspace: string): void {
    const first = workspace !== this.#of;
    if (first) {
      this.#of = workspace;
      this.value = null;
      this.error = null;
    } else if (this.#waiting) return;
    this.#waiting = true;
    this.#line = this.#line.then(async () => {
      this.#waiting = false;
      // Nothing is known of a log that was never read; then storage is waited for.
      if (first) await this.#read(workspace, "cached").catch(() => undefined);
      await this.#read(workspace, "new").catch((thrown: unknown) => this.#failed(workspace, thrown));
    });
  }

  /** Reads every file again. */
  async verify(workspace: string): Promise<void> {
    if (this.verifying) return;
    this.verifying = true;
    this.#line = this.#line.then(() =>
      this.#read(workspace, "anew").catch((thrown: unknown) => this.#failed(workspace, thrown)),
    );
    await this.#line;
    this.verifying = false;
  }

  async #read(workspace: string, read: string): Promise<void> {
    if (workspace !== this.#of) return;
    const value = await call("activity", { workspace, read });
    if (workspace !== this.#of) return;
    clock.tick();
    this.value = value;
    this.error = null;
  }

  #failed(workspace: string, thrown: unknown): void {
    if (workspace === this.#of) this.error = toIpcError(thrown);
  }
}
