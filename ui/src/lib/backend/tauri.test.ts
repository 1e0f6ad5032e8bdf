import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Event } from "../bindings/Event";
import { pickBackend, toIpcError } from ".";
import { FakeBackend } from "./fake";
import { tauriBackend } from "./tauri";

afterEach(() => {
  clearMocks();
  delete (window as { __TAURI_INTERNALS__?: unknown }).__TAURI_INTERNALS__;
});

describe("the engine over IPC", () => {
  it("wraps the request and hands the answer through", async () => {
    const seen = vi.fn();
    mockIPC((name, args) => {
      seen(name, args);
      return { job: "j1" };
    });
    expect(await tauriBackend.invoke("freshness_refresh", { workspace: "acme" })).toEqual({ job: "j1" });
    expect(seen).toHaveBeenCalledWith("freshness_refresh", { request: { workspace: "acme" } });
  });

  it("rejects with the engine's error", async () => {
    mockIPC(() => {
      throw { code: "key.locked", message: "locked", retryable: true };
    });
    await expect(tauriBackend.invoke("sync", { workspace: "acme" })).rejects.toMatchObject({
      code: "key.locked",
      holds: "",
      retryable: true,
    });
  });

  it("streams events over one channel", async () => {
    const got: Event[] = [];
    let channel: { onmessage: (event: Event) => void } | undefined;
    mockIPC((name, args) => {
      if (name === "subscribe") channel = (args as { channel: typeof channel }).channel;
    });
    await tauriBackend.subscribe((event) => got.push(event));
    channel?.onmessage({ type: "board", data: { workspace: "acme" } });
    expect(got).toEqual([{ type: "board", data: { workspace: "acme" } }]);
  });

  it("makes an error that can be shown of anything thrown", () => {
    expect(toIpcError("boom")).toMatchObject({ code: "window.internal", detail: "boom" });
    expect(toIpcError(new Error("bang")).detail).toBe("bang");
  });

  it("is taken in the window, sample data in a browser", async () => {
    expect(await pickBackend()).toBeInstanceOf(FakeBackend);
    mockIPC(() => {});
    expect(await pickBackend()).toBe(tauriBackend);
  });
});
