import type { CommandMap } from "../bindings/CommandMap";
import type { Backend, Command } from "./backend";

export type { Backend, Command } from "./backend";
export { toIpcError } from "./backend";

let current: Backend | null = null;

/** Takes the engine when the window runs in Tauri; in a browser, and only in development, sample data. */
export async function pickBackend(): Promise<Backend> {
  if ("__TAURI_INTERNALS__" in window) {
    current = (await import("./tauri")).tauriBackend;
    return current;
  }
  // Left out of the product: nothing in it may show invented figures.
  if (!import.meta.env.DEV) throw new Error("This page belongs into Headgate's window.");
  const { fakeFromAddress } = await import("./fake/address");
  current = fakeFromAddress(new URLSearchParams(window.location.search));
  return current;
}

/** Sets the engine; tests use it. */
export function setBackend(backend: Backend): void {
  current = backend;
}

/** The engine in use. */
export function backend(): Backend {
  if (current === null) throw new Error("pickBackend() has not run");
  return current;
}

/** Sends a request to the engine. Rejects with an `IpcError`. */
export function call<C extends Command>(name: C, request: CommandMap[C][0]): Promise<CommandMap[C][1]> {
  return backend().invoke(name, request);
}
