import type { IpcError } from "../bindings/IpcError";

/** A short message over the page. Errors stay until they are closed. */
export interface ToastItem {
  id: number;
  kind: "ok" | "info" | "warn" | "error";
  title: string;
  text: string;
  code: string | null;
  /** What it is about, if something may settle that: then it goes by itself. */
  about: string | null;
}

/** The gate of this rollout. */
export const gateOf = (workspace: string, unit: string, channel: string): string =>
  `gate ${workspace} ${unit} ${channel}`;

/** Reading this workspace's storage. */
export const storageOf = (workspace: string): string => `storage ${workspace}`;

/** A job that failed. */
export const jobOf = (id: string): string => `job ${id}`;

class Toasts {
  list = $state.raw<ToastItem[]>([]);
  #next = 1;

  #add(item: Omit<ToastItem, "id">): void {
    // The same message twice is one message.
    const others = this.list.filter((other) => other.title !== item.title || other.text !== item.text);
    this.list = [...others, { ...item, id: this.#next++ }].slice(-3);
  }

  ok(title: string, text = ""): void {
    this.#add({ kind: "ok", title, text, code: null, about: null });
  }

  info(title: string, text = ""): void {
    this.#add({ kind: "info", title, text, code: null, about: null });
  }

  warn(title: string, text = "", about: string | null = null): void {
    this.#add({ kind: "warn", title, text, code: null, about });
  }

  /** Cause, then what still holds, then the way out. */
  error(error: IpcError, about: string | null = null): void {
    const text = [error.holds, error.remedy].filter(Boolean).join(" ");
    this.#add({ kind: "error", title: error.message, text, code: error.code, about });
  }

  /** What it was about is in order now. */
  settle(about: string): void {
    this.list = this.list.filter((item) => item.about !== about);
  }

  /** Of the jobs only these still need a person. */
  settleJobs(needing: string[]): void {
    const kept = new Set(needing.map(jobOf));
    this.list = this.list.filter(({ about }) => about === null || !about.startsWith(jobOf("")) || kept.has(about));
  }

  close(id: number): void {
    this.list = this.list.filter((item) => item.id !== id);
  }
}

export const toasts = new Toasts();
