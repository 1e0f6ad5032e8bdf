import { describe, expect, it } from "vitest";
import type { IpcError } from "../bindings/IpcError";
import { actionFor } from ".";

const error = (code: string, retryable = false): IpcError => ({
  code,
  message: "",
  holds: "",
  remedy: "",
  detail: null,
  retryable,
  field: null,
});

describe("actions of errors", () => {
  it("knows codes by name", () => {
    expect(actionFor(error("publish.version_conflict")).action).toBe("sync");
    expect(actionFor(error("trust.expired")).action).toBe("refresh");
  });

  it.each([
    ["storage.credentials", "credentials"],
    ["storage.retention", "storage-check"],
    ["storage.ignores_conditions", "storage-check"],
    ["storage.region", "connect"],
    ["storage.unavailable", "retry"],
    ["storage.busy", "retry"],
    ["storage.clock", "retry"],
    ["server.none", "server"],
    ["server.refused", "server"],
    ["server.unreachable", "retry"],
    ["artifact.address", "address"],
    ["artifact.missing", "retry"],
    ["artifact.changed", "none"],
  ])("%s leads to %s", (code, action) => {
    expect(actionFor(error(code)).action).toBe(action);
  });

  it("falls back to the area of a code", () => {
    expect(actionFor(error("zip.bomb")).action).toBe("choose-build");
    expect(actionFor(error("trust.of_tomorrow")).severity).toBe("danger");
  });

  it("offers a retry for an unknown code only when the engine says that it may help", () => {
    expect(actionFor(error("moon.full", true)).action).toBe("retry");
    expect(actionFor(error("moon.full", false))).toMatchObject({ action: "none", label: null });
  });
});
