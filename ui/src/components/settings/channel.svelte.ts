import { call } from "../../lib/backend";
import type { Channel } from "../../lib/bindings/Channel";
import {
  changeOf,
  draftOf,
  errorsOf,
  linesOf,
  type ChannelDraft,
  type ChannelErrors,
  type ChannelLine,
} from "./channel";
import { SettingsFlow } from "./settings.svelte";

interface Start {
  workspace: string;
  channel: Channel;
}

/** A change of a channel's defaults: what is typed, what it would sign, the job that signs it. */
export class ChannelFlow extends SettingsFlow {
  readonly #start: Start;
  draft = $state<ChannelDraft>({ confirm: "", start: "", hours: "", gated: false, sample: "", failed: "" });
  /** What is typed was read through; now it is looked at. */
  reviewing = $state(false);
  /** Errors are named once a person wanted to go on. */
  #tried = $state(false);

  constructor(start: Start) {
    super();
    this.#start = start;
    this.draft = draftOf(start.channel);
  }

  get errors(): ChannelErrors {
    return this.#tried ? errorsOf(this.draft) : {};
  }

  /** What changes, beside what storage says now: the board here may be older. */
  get lines(): ChannelLine[] {
    const change = changeOf(this.draft, this.#start.channel);
    return change === null ? [] : linesOf(change, this.plan?.now ?? this.#start.channel);
  }

  override get closed(): string | null {
    if (this.reviewing) return this.closedPlan;
    // Open until it was pressed: pressing names the fields.
    if (Object.keys(errorsOf(this.draft)).length > 0) return this.#tried ? "A field needs another value" : null;
    return changeOf(this.draft, this.#start.channel) === null ? "Nothing is changed yet" : null;
  }

  /** From the form to what it would sign. */
  async review(): Promise<void> {
    this.#tried = true;
    const { workspace, channel } = this.#start;
    const change = changeOf(this.draft, channel);
    if (change === null || Object.keys(this.errors).length > 0) return;
    this.reviewing = true;
    await this.derive(() => call("channel_prepare", { workspace, channel: channel.id, ...change }));
  }

  back(): void {
    this.reviewing = false;
    this.dropPlan();
  }
}
