import type { Board } from "../bindings/Board";
import type { IpcError } from "../bindings/IpcError";
import { call, toIpcError } from "../backend";
import { clock } from "./clock.svelte";
import { gateOf, storageOf, toasts } from "./toasts.svelte";

/** The board of the unit that is shown: at once from the cache, then from storage. */
class BoardStore {
  /** What is shown; nothing before the first answer. */
  board = $state.raw<Board | null>(null);
  /** Why there is nothing to show. */
  error = $state.raw<IpcError | null>(null);
  /** Storage is being read. */
  syncing = $state(false);
  /** Freshness is being signed again. */
  refreshing = $state(false);

  #workspace: string | null = null;
  #unit: string | null = null;
  /** Answers to older questions are dropped. */
  #asked = 0;

  /** Shows a unit: cache first, then storage. */
  async open(workspace: string, unit: string): Promise<void> {
    if (this.#workspace !== workspace || this.#unit !== unit) {
      this.board = null;
      this.error = null;
    }
    this.#workspace = workspace;
    this.#unit = unit;
    await this.reload();
    await this.sync(false);
  }

  /** Reads the board from the cache again. */
  async reload(): Promise<void> {
    if (this.#workspace === null || this.#unit === null) return;
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const board = await call("board", { workspace: this.#workspace, unit: this.#unit });
      if (asked !== this.#asked) return;
      clock.tick();
      this.board = board;
      this.error = null;
      this.#settled(board);
    } catch (thrown) {
      if (asked === this.#asked) this.error = toIpcError(thrown);
    }
  }

  /**
   * What a message said of a gate is over once somebody signed what follows from it: a halt or a way back. That a rollout
   * goes on says nothing, as an answer that is on its way may be older than the message.
   */
  #settled({ workspace, unit, channels }: Board): void {
    for (const { id, current } of channels) {
      const signed = current?.state !== "stopped_by_gate" && current?.state !== "rolling_out";
      if (signed) toasts.settle(gateOf(workspace, unit.id, id));
    }
  }

  /** Reads storage now. `asked`: a person asked for it, so a failure is said aloud. */
  async sync(asked = true): Promise<void> {
    const workspace = this.#workspace;
    if (workspace === null || this.syncing) return;
    this.syncing = true;
    try {
      await call("sync", { workspace });
      toasts.settle(storageOf(workspace));
    } catch (thrown) {
      const error = toIpcError(thrown);
      // The board carries the reason itself once it is read again; the toast is for the person who pressed.
      if (asked) toasts.error(error, storageOf(workspace));
      else if (this.board && !this.board.offline) this.board = { ...this.board, offline: error };
    } finally {
      this.syncing = false;
    }
    await this.reload();
  }

  /** Signs freshness again, as a job. */
  async refresh(): Promise<string | null> {
    if (this.#workspace === null || this.refreshing) return null;
    this.refreshing = true;
    try {
      return (await call("freshness_refresh", { workspace: this.#workspace })).job;
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
      return null;
    } finally {
      this.refreshing = false;
    }
  }

  /** The engine says that a workspace's board changed. */
  changed(workspace: string): void {
    if (workspace === this.#workspace) void this.reload();
  }
}

export const boards = new BoardStore();
