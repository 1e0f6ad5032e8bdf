import { call } from "../../lib/backend";
import { SettingsFlow } from "./settings.svelte";
import { titleOf, ways, type DeliverWay } from "./words";

interface Start {
  workspace: string;
  now: DeliverWay;
}

/** A change of what releases put into storage, from the choice to the job that signs it. */
export class DeliverFlow extends SettingsFlow {
  readonly #start: Start;
  way = $state<DeliverWay>("zip");

  constructor(start: Start) {
    super();
    this.#start = start;
    this.way = start.now;
  }

  /** Chooses one and derives what it would sign. */
  async choose(way: DeliverWay): Promise<void> {
    this.way = way;
    const chosen = ways.find(({ id }) => id === way);
    if (way === this.#start.now || !chosen) this.dropPlan();
    else
      await this.derive(() => call("deliver_prepare", { workspace: this.#start.workspace, delivers: chosen.delivers }));
  }

  override get closed(): string | null {
    const same = this.way === this.#start.now && !this.busy;
    return same ? `Needs another choice: it is “${titleOf(this.way)}” now` : this.closedPlan;
  }
}
