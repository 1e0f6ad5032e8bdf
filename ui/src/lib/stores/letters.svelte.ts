import { call, toIpcError } from "../backend";
import type { Shortcut } from "../shortcuts";
import { toasts } from "./toasts.svelte";

/**
 * Whether single letters do something on the board. People who speak to their computer, or whose hands touch keys by
 * accident, turn them off (WCAG 2.1.4); everything that they do has a button.
 */
class Letters {
  on = $state(true);

  /** True when pressing it does something. */
  allow({ key, mod }: Shortcut): boolean {
    return this.on || mod || key.length > 1;
  }

  async choose(on: boolean): Promise<void> {
    this.on = on;
    try {
      await call("set_letters", { on });
    } catch (thrown) {
      // It would be the other way again at the next start.
      this.on = !on;
      toasts.error(toIpcError(thrown));
    }
  }
}

export const letters = new Letters();
