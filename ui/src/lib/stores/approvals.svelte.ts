import { call } from "../backend";
import type { Approval } from "../bindings/Approval";
import type { Approvals } from "../bindings/Approvals";

/** True while somebody may still do something about it. */
export function isOpen(approval: Pick<Approval, "state" | "expired" | "stale">): boolean {
  return approval.state === "open" && !approval.expired && approval.stale === null;
}

/** True when it waits for the person at this computer: for their signature, or for them to publish it. */
export function waitsForMe(approval: Approval): boolean {
  return isOpen(approval) && ((approval.mine && !approval.complete) || (approval.own && approval.complete));
}

/** Requests for signatures of the shown workspace, for the sidebar and the gates. */
class ApprovalsStore {
  #known = $state.raw<Approvals | null>(null);
  #workspace = "";
  #asked = 0;

  /** Newest first. */
  get list(): Approval[] {
    return this.#known?.list ?? [];
  }

  /** How many wait for the person at this computer. */
  get waiting(): number {
    return this.list.filter(waitsForMe).length;
  }

  /** Reads them from the journal. A failure is told where they are the subject, not here. */
  async load(workspace: string): Promise<void> {
    if (workspace !== this.#workspace) this.#known = null;
    this.#workspace = workspace;
    const asked = (this.#asked += 1);
    try {
      const known = await call("approvals", { workspace });
      if (asked === this.#asked) this.#known = known;
    } catch {
      if (asked === this.#asked) this.#known = null;
    }
  }

  /** Takes an answer that was read elsewhere. */
  take(known: Approvals): void {
    this.#known = known;
  }

  /** The open request for a channel of a unit, if there is one. */
  at(unit: string, channel: string): Approval | null {
    return this.list.find((one) => isOpen(one) && one.unit === unit && one.channel === channel) ?? null;
  }
}

export const approvals = new ApprovalsStore();
