import { call, toIpcError } from "../backend";
import type { Fleet } from "../bindings/Fleet";
import type { FleetRequest } from "../bindings/FleetRequest";
import { toasts } from "./toasts.svelte";

/** The sandbox's simulated devices. They belong to the program, not to this page, which may be loaded anew beside them. */
class FleetStore {
  running = $state.raw<Fleet | null>(null);
  busy = $state(false);

  /** Asks which run. What is being started or stopped meanwhile is newer. */
  async look(workspace: string): Promise<void> {
    try {
      const fleet = await call("fleet_state", { workspace });
      if (!this.busy) this.#take(fleet);
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
    }
  }

  #take(fleet: Fleet): void {
    this.running = fleet.devices > 0 ? fleet : null;
  }

  /** Starts so many devices; 0 stops them. `failurePermille`: how many do not start a release whose version says `bad`. */
  async set(request: FleetRequest): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      this.#take(await call("fleet", request));
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
    } finally {
      this.busy = false;
    }
  }
}

export const fleet = new FleetStore();
