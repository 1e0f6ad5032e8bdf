import type { OfflineAnswer } from "../bindings/OfflineAnswer";
import type { OfflineRequest } from "../bindings/OfflineRequest";
import type { OfflineRequests } from "../bindings/OfflineRequests";
import type { OfflineReview } from "../bindings/OfflineReview";
import type { OfflineState } from "../bindings/OfflineState";
import type { IpcError } from "../bindings/IpcError";
import { call, toIpcError } from "../backend";

/** Between two looks at the folder, milliseconds. The engine reads files again only when something changed. */
const EVERY = 2_000;

export type Way = "file" | "qr";

/** The offline workstation: what it knows, the requests, and the one that is looked at. */
class Offline {
  state = $state.raw<OfflineState | null>(null);
  requests = $state.raw<OfflineRequests | null>(null);
  review = $state.raw<OfflineReview | null>(null);
  /** Why the chosen request cannot be shown. */
  unreadable = $state.raw<IpcError | null>(null);
  error = $state.raw<IpcError | null>(null);
  chosen = $state<string | null>(null);
  way = $state<Way>("file");
  last = $state.raw<OfflineAnswer | null>(null);
  /** The set-up is shown although it is complete. */
  setup = $state(false);
  #timer: ReturnType<typeof setInterval> | null = null;
  #shown = "";

  /** A root, a key and a folder are there. */
  get ready(): boolean {
    const state = this.state;
    return (
      state !== null && state.roots.length > 0 && state.keys.length + state.rsa.length > 0 && state.folder !== null
    );
  }

  get request(): OfflineRequest | null {
    return this.requests?.list.find((known) => known.handle === this.chosen) ?? null;
  }

  async start(): Promise<void> {
    await this.load();
    await this.read();
    this.#timer ??= setInterval(() => void this.read(), EVERY);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  async load(): Promise<void> {
    try {
      this.take(await call("offline_state", {}));
    } catch (thrown) {
      this.error = toIpcError(thrown);
    }
  }

  take(state: OfflineState): void {
    this.state = state;
    this.last ??= state.last;
  }

  /** Reads the folder. The first request to sign is shown when none is. */
  async read(): Promise<void> {
    try {
      this.requests = await call("offline_requests", {});
    } catch (thrown) {
      this.error = toIpcError(thrown);
      return;
    }
    const list = this.requests.list;
    if (!this.request) await this.choose(list[0]?.handle ?? null);
  }

  /** Shows a request. */
  async choose(handle: string | null): Promise<void> {
    this.chosen = handle;
    this.unreadable = null;
    this.error = null;
    if (handle === null) {
      this.review = null;
      return;
    }
    const asked = (this.#shown = `${handle} ${String(Math.random())}`);
    try {
      const review = await call("offline_review", { handle });
      if (asked === this.#shown) this.review = review;
    } catch (thrown) {
      if (asked !== this.#shown) return;
      this.review = null;
      this.unreadable = toIpcError(thrown);
    }
  }

  /** An answer was given. */
  async answered(answer: OfflineAnswer): Promise<void> {
    this.last = answer;
    await this.read();
    await this.choose(this.chosen);
  }
}

export const offline = new Offline();
