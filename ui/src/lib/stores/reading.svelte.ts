import type { CommandMap } from "../bindings/CommandMap";
import type { IpcError } from "../bindings/IpcError";
import { call, toIpcError, type Command } from "../backend";
import { clock } from "./clock.svelte";

/** The answer to a question about cached data that is asked again when something changed. */
export class Reading<C extends Command> {
  readonly #command: C;
  /** The newest answer; nothing before the first. It stays while the same thing is asked again. */
  value = $state.raw<CommandMap[C][1] | null>(null);
  /** Why there is no answer, or no newer one. */
  error = $state.raw<IpcError | null>(null);
  busy = $state(false);
  /** Answers to older questions are dropped. */
  #asked = 0;
  #about = "";
  /** Something changed while the same question was on its way: it is asked once more after the answer. */
  #again = false;
  /** The same as `busy`, for asking: it must not make the asker depend on it. */
  #asking = false;

  constructor(command: C) {
    this.#command = command;
  }

  /** Asks. Another question than before empties the answer first, so that no figure stands under a wrong title. */
  async ask(request: CommandMap[C][0]): Promise<void> {
    const about = JSON.stringify(request);
    // Changes may come faster than answers: every answer is shown, and the last one is as new as the last change.
    if (about === this.#about && this.#asking) {
      this.#again = true;
      return;
    }
    if (about !== this.#about) this.value = null;
    this.#about = about;
    this.#asking = true;
    this.#again = false;
    this.error = null;
    this.busy = true;
    const asked = (this.#asked += 1);
    try {
      const value = await call(this.#command, request);
      if (asked !== this.#asked) return;
      clock.tick();
      this.value = value;
    } catch (thrown) {
      if (asked === this.#asked) this.error = toIpcError(thrown);
    } finally {
      if (asked === this.#asked) {
        this.busy = false;
        this.#asking = false;
        if (this.#again) void this.ask(request);
      }
    }
  }
}
