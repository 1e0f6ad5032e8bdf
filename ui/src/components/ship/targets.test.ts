import { describe, expect, it } from "vitest";
import { mirror, target, uploading } from "../../lib/backend/fake/upload";
import { failedMirrors, retrySays, sparkPoints, targetPercent, targetsOf, targetState, targetWord } from "./targets";

const job = uploading(0);

describe("targets of an upload", () => {
  it("says what failed, which try comes and when", () => {
    const retry = { why: "Connection reset by server.", attempt: 2, of: 5, inMs: 8000 };
    expect(retrySays(retry, 8000)).toBe("Connection reset by server. Try 2 of 5, next in 8 s.");
    expect(retrySays({ ...retry, why: "Timed out" }, 400)).toBe("Timed out. Try 2 of 5, next in 1 s.");
    expect(retrySays(retry, -20)).toBe("Connection reset by server. Try 2 of 5, now.");
  });

  it.each([
    ["running", "upload", "sending", "registry", "sending"],
    ["running", "upload", "retrying", "registry", "retrying"],
    ["running", "publish", "done", "registry", "working"],
    ["running", "publish", "retrying", "registry", "retrying"],
    ["running", "upload", "of a newer engine", "registry", "sending"],
    ["paused", "upload", "sending", "registry", "paused"],
    ["paused", "upload", "done", "mirror", "done"],
    ["waiting", "upload", "queued", "registry", "waiting"],
    ["cancelled", "upload", "sending", "mirror", "cancelled"],
    ["failed", "upload", "sending", "registry", "failed"],
    ["running", "upload", "failed", "mirror", "failed"],
    ["done", "done", "failed", "mirror", "failed"],
  ])("%s in %s with a target %s (%s) shows %s", (state, phase, of, role, shown) => {
    expect(targetState({ state, phase }, target({ state: of, role }))).toBe(shown);
  });

  it("names the phase once the objects are there", () => {
    expect(targetWord({ state: "running", phase: "read_back" }, "working")).toBe("Reading back");
    expect(targetWord({ state: "paused", phase: "upload" }, "paused")).toBe("Paused");
  });

  it("stands in for a job that names no place yet", () => {
    const [only] = targetsOf({ ...job, targets: [] }, "s3://field");
    expect(only).toMatchObject({ name: "Storage", address: "s3://field", bytesTotal: job.bytesTotal });
    expect(targetPercent({ bytesDone: 1, bytesTotal: 0 })).toBeNull();
    expect(targetPercent({ bytesDone: 9, bytesTotal: 4 })).toBe(100);
  });

  it("knows mirrors that are behind, and no registry", () => {
    const failed = { targets: [target({ state: "failed" }), mirror({ state: "failed" }), mirror()] };
    expect(failedMirrors(failed)).toHaveLength(1);
    expect(failedMirrors(undefined)).toEqual([]);
  });

  it("draws speeds from left to right and keeps them in the box", () => {
    expect(sparkPoints([0, 50, 100], 120, 32)).toBe("0.0,31.0 60.0,16.0 120.0,1.0");
    expect(sparkPoints([0, 0], 120, 32)).toBe("0.0,31.0 120.0,31.0");
    expect(sparkPoints([], 120, 32)).toBe("");
  });
});
