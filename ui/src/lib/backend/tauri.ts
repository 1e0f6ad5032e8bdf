import { Channel, invoke } from "@tauri-apps/api/core";
import type { CommandMap } from "../bindings/CommandMap";
import type { Event } from "../bindings/Event";
import type { Backend, Command } from "./backend";
import { toIpcError } from "./backend";

/** The engine in the same process, over Tauri's IPC. The only file that knows Tauri. */
export const tauriBackend: Backend = {
  async invoke<C extends Command>(name: C, request: CommandMap[C][0]): Promise<CommandMap[C][1]> {
    try {
      return await invoke<CommandMap[C][1]>(name, { request });
    } catch (thrown) {
      throw toIpcError(thrown);
    }
  },

  async subscribe(onEvent: (event: Event) => void): Promise<void> {
    const channel = new Channel<Event>();
    channel.onmessage = onEvent;
    try {
      await invoke("subscribe", { channel });
    } catch (thrown) {
      throw toIpcError(thrown);
    }
  },
};
