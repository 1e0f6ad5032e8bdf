import { call, toIpcError } from "../backend";
import type { Fleet } from "../bindings/Fleet";
import { toasts } from "./toasts.svelte";

/** The sandbox's simulated devices, as this window started them. */
class FleetStore {
  running = $state.raw<Fleet | null>(null);
  busy = $state(false);

  /** Starts so many devices; 0 stops them. `failurePermille`: how many do not start a release whose version says `bad`. */
  async set(workspace: string, devices: number, failurePermille: number): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const fleet = await call("fleet", { workspace, devices, failurePermille });
      this.running = fleet.devices > 0 ? fleet : null;
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
    } finally {
      this.busy = false;
    }
  }
}

export const fleet = new FleetStore();
