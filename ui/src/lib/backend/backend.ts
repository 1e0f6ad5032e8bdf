import type { CommandMap } from "../bindings/CommandMap";
import type { Event } from "../bindings/Event";
import type { IpcError } from "../bindings/IpcError";

/** Name of a command that the engine knows. */
export type Command = keyof CommandMap;

/** The engine, as the window sees it. */
export interface Backend {
  /** Sends a request. Rejects with an {@link IpcError}. */
  invoke<C extends Command>(name: C, request: CommandMap[C][0]): Promise<CommandMap[C][1]>;
  /** Streams what the engine tells by itself, until the window closes. */
  subscribe(onEvent: (event: Event) => void): Promise<void>;
}

/** Makes an {@link IpcError} of whatever was thrown, so that every failure can be shown the same way. */
export function toIpcError(thrown: unknown): IpcError {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown) {
    const given = thrown as Partial<IpcError>;
    return {
      code: String(given.code),
      message: String(given.message),
      holds: given.holds ?? "",
      remedy: given.remedy ?? "",
      detail: given.detail ?? null,
      retryable: given.retryable ?? false,
      field: given.field ?? null,
    };
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    code: "window.internal",
    message: "The window could not talk to the engine.",
    holds: "Nothing was changed by this.",
    remedy: "Try again. If it stays, restart Headgate.",
    detail: message,
    retryable: true,
    field: null,
  };
}
