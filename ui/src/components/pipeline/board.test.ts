import { describe, expect, it } from "vitest";
import { fullBoard, lifetime, workspace } from "../../lib/backend/fake/data";
import type { Approval } from "../../lib/bindings/Approval";
import { mayOpen, withoutStorage, withRequest } from "./gate";
import { move, rowsOf } from "./grid";
import { initials, rolloutOf } from "./rollout";
import { warnings } from "./validity";

const now = Date.parse("2026-07-16T14:02:00Z");

describe("moving on the board", () => {
  const rows = [4, 1, 3];

  it("stops at the edges", () => {
    expect(move({ column: 0, row: 0 }, "left", rows)).toEqual({ column: 0, row: 0 });
    expect(move({ column: 2, row: 2 }, "right", rows)).toEqual({ column: 2, row: 2 });
    expect(move({ column: 0, row: 3 }, "down", rows)).toEqual({ column: 0, row: 3 });
    expect(move({ column: 0, row: 0 }, "up", rows)).toEqual({ column: 0, row: 0 });
  });

  it("takes the last row of a shorter column", () => {
    expect(move({ column: 0, row: 3 }, "right", rows)).toEqual({ column: 1, row: 0 });
    expect(move({ column: 0, row: 3 }, "last", rows)).toEqual({ column: 2, row: 2 });
  });

  it("counts the card and the earlier releases of each channel", () => {
    expect(rowsOf(fullBoard(now, workspace))).toEqual([4, 4, 4]);
  });
});

describe("validity", () => {
  const board = fullBoard(now, workspace);

  it("says nothing below half of the lifetime", () => {
    expect(warnings({ ...board, freshness: lifetime(now, 499) })).toEqual([]);
  });

  it.each([
    [500, "half"],
    [799, "half"],
    [800, "late"],
    [1000, "over"],
  ])("at %i permille it is %s", (used, level) => {
    expect(warnings({ ...board, freshness: lifetime(now, used) })).toMatchObject([{ of: "freshness", level }]);
  });

  it("puts the most urgent first, and names the channel", () => {
    const channels = board.channels.map((channel) =>
      channel.id === "production" ? { ...channel, validity: lifetime(now, 900, 365) } : channel,
    );
    const found = warnings({ ...board, channels, freshness: lifetime(now, 600) });
    expect(found.map((warning) => warning.what)).toEqual(["Signatures on production", "Freshness"]);
  });
});

describe("gates", () => {
  const gate = { from: "a", to: "b", state: "open", label: "Ready", reason: "", build: 1 };

  it("open and closed ones lead to the promotion, the others say why not", () => {
    const open = ["open", "closed", "empty", "same", "busy", "blocked"].filter((state) => mayOpen({ ...gate, state }));
    expect(open).toEqual(["open", "closed"]);
  });

  it("are blocked with a reason while storage is not reached", () => {
    expect(withoutStorage(gate)).toMatchObject({ state: "blocked", label: "Needs storage" });
    expect(withoutStorage({ ...gate, state: "empty" }).state).toBe("empty");
  });
});

describe("rollouts", () => {
  it("have a word for each state and tolerate new ones", () => {
    expect(rolloutOf("halted")).toMatchObject({ word: "Halted", bar: "halted" });
    expect(rolloutOf("paused_by_gate").word).toBe("paused by gate");
  });

  it("show a person by the first letters of first and last name", () => {
    expect([initials("Mara Lindqvist"), initials("Ada"), initials("")]).toEqual(["ML", "A", ""]);
  });
});

describe("a gate with a request", () => {
  const gate = { from: "staging", to: "production", state: "open", label: "Ready", reason: "", build: 1308 };
  const request = { title: "Promote 4.2.5", have: 1, need: 2, complete: false } as Approval;

  it("is closed and says how many signed", () => {
    expect(withRequest(gate, request)).toMatchObject({ state: "closed", label: "1 of 2 signed" });
    expect(withRequest(gate, { ...request, have: 2, complete: true }).reason).toContain("can be published");
  });

  it("stays what it is without one, or while something else holds it", () => {
    expect(withRequest(gate, null)).toBe(gate);
    expect(withRequest({ ...gate, state: "busy" }, request).label).toBe("Ready");
  });
});
