import type { IpcError } from "../bindings/IpcError";

/** A short message over the page. Errors stay until they are closed. */
export interface ToastItem {
  id: number;
  kind: "ok" | "info" | "warn" | "error";
  title: string;
  text: string;
  code: string | null;
}

class Toasts {
  list = $state.raw<ToastItem[]>([]);
  #next = 1;

  #add(item: Omit<ToastItem, "id">): void {
    // The same message twice is one message.
    const others = this.list.filter((other) => other.title !== item.title || other.text !== item.text);
    this.list = [...others, { ...item, id: this.#next++ }].slice(-3);
  }

  ok(title: string, text = ""): void {
    this.#add({ kind: "ok", title, text, code: null });
  }

  info(title: string, text = ""): void {
    this.#add({ kind: "info", title, text, code: null });
  }

  warn(title: string, text = ""): void {
    this.#add({ kind: "warn", title, text, code: null });
  }

  /** Cause, then what still holds, then the way out. */
  error(error: IpcError): void {
    const text = [error.holds, error.remedy].filter(Boolean).join(" ");
    this.#add({ kind: "error", title: error.message, text, code: error.code });
  }

  close(id: number): void {
    this.list = this.list.filter((item) => item.id !== id);
  }
}

export const toasts = new Toasts();
