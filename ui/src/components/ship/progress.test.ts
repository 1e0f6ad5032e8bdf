import { describe, expect, it } from "vitest";
import {
  announcedStep,
  canCancel,
  canPause,
  canResume,
  canUndo,
  footSays,
  jobPercent,
  stateWord,
  timeLeft,
} from "./progress";

describe("progress", () => {
  it("never shows more than was acknowledged, and nothing while the size is unknown", () => {
    expect(jobPercent({ bytesDone: 1999, bytesTotal: 2000 })).toBe(99);
    expect(jobPercent({ bytesDone: 3000, bytesTotal: 2000 })).toBe(100);
    expect(jobPercent({ bytesDone: 0, bytesTotal: 0 })).toBeNull();
  });

  it("announces 25, 50, 75 and 100 percent and nothing between", () => {
    const said = new Set<number>();
    for (let share = 0; share <= 100; share += 1) said.add(announcedStep(share));
    expect([...said]).toEqual([0, 25, 50, 75, 100]);
    expect(announcedStep(null)).toBe(0);
  });

  it("offers to cancel until the result is read back", () => {
    expect(canCancel({ state: "running", phase: "upload" })).toBe(true);
    expect(canCancel({ state: "running", phase: "read_back" })).toBe(false);
    expect(canCancel({ state: "done", phase: "done" })).toBe(false);
  });

  it("holds only what sends bytes, and lets go on what a person held", () => {
    expect(canPause({ kind: "ship", state: "running", phase: "upload" })).toBe(true);
    expect(canPause({ kind: "ship", state: "running", phase: "publish" })).toBe(false);
    expect(canPause({ kind: "inspect", state: "running", phase: "upload" })).toBe(false);
    expect(canResume({ state: "paused" })).toBe(true);
    expect(canResume({ state: "running" })).toBe(false);
    expect(canCancel({ state: "paused", phase: "upload" })).toBe(true);
    expect(stateWord({ state: "paused", phase: "upload" })).toBe("Paused");
  });

  it("rounds the time left up and says nothing without a speed", () => {
    expect(timeLeft({ bytesDone: 0, bytesTotal: 1000, speed: 30 })).toBe("about 34 s");
    expect(timeLeft({ bytesDone: 0, bytesTotal: 1000, speed: 0 })).toBeNull();
    expect(timeLeft({ bytesDone: 0, bytesTotal: 6100, speed: 100 })).toBe("about 2 min");
  });

  it("a phase that this window does not know keeps its own name", () => {
    expect(stateWord({ state: "running", phase: "polish" })).toBe("polish");
    expect(stateWord({ state: "waiting", phase: "upload" })).toBe("Waiting");
  });
});

describe("a job that waits to be undone", () => {
  const job = { state: "running", phase: "wait", kind: "promote" };

  it("says so and offers undo in place of cancel and pause", () => {
    expect(stateWord(job)).toBe("Can be undone for 5 s");
    expect([canUndo(job), canCancel(job), canPause(job)]).toEqual([true, false, false]);
    expect(footSays(job, "promotion")).toContain("Nothing is signed yet");
    expect(canUndo({ ...job, state: "cancelled" })).toBe(false);
  });
});
