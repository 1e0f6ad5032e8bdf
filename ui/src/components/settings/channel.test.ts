import { describe, expect, it } from "vitest";
import { permilleOf } from "../../lib/format";
import { board } from "../ship/testing";
import { changeOf, draftOf, errorsOf, linesOf } from "./channel";

const production = board.channels[2];
if (!production) throw new Error("the sample has a last channel");

describe("a percentage", () => {
  it("is read as people write it, and is nothing else", () => {
    expect(["1", "0.5", "2,5", "100 %", " 10% "].map(permilleOf)).toEqual([10, 5, 25, 1000, 100]);
    expect(["", "101", "-1", "0.05", "1e2", "ten", "1 %%"].map(permilleOf)).toEqual(Array(7).fill(null));
  });
});

describe("a channel's settings", () => {
  it("change nothing as long as they say the same", () => {
    const draft = draftOf(production);
    expect(draft).toMatchObject({ confirm: "typed", start: "1", hours: "24", gated: true, sample: "500", failed: "1" });
    expect(errorsOf(draft)).toEqual({});
    expect(changeOf({ ...draft, start: "1.0 %", hours: " 24 " }, production)).toBeNull();
  });

  it("send what changed alone, so that another person's change beside it stays", () => {
    const draft = { ...draftOf(production), start: "5" };
    expect(changeOf(draft, production)).toEqual({ confirm: null, startPermille: 50, minHours: null, gate: null });
    const open = { ...draftOf(production), gated: false, sample: "nonsense" };
    expect(errorsOf(open), "what is not asked for cannot be wrong").toEqual({});
    expect(changeOf(open, production)?.gate).toEqual({ limit: null });
  });

  it("name each field that is wrong", () => {
    const wrong = { ...draftOf(production), start: "0", hours: "9000", sample: "0", failed: "200" };
    expect(Object.keys(errorsOf(wrong))).toEqual(["start", "hours", "sample", "failed"]);
  });

  it("say which changes protect less", () => {
    const all = { confirm: "plain", startPermille: 5, minHours: 48, gate: { limit: null } };
    expect(linesOf(all, production).map(({ what, after, weaker }) => [what, after, weaker])).toEqual([
      ["Confirmation", "One button", true],
      ["First share", "0.5\u00a0%", false],
      ["Least time of a step", "48 h", false],
      ["Health gate", "No gate stops them", true],
    ]);
    const gates = (minSample: number, maxFailurePermille: number): boolean | undefined =>
      linesOf(
        { confirm: null, startPermille: null, minHours: null, gate: { limit: { minSample, maxFailurePermille } } },
        production,
      )[0]?.weaker;
    expect([gates(500, 20), gates(1000, 10), gates(100, 5)]).toEqual([true, true, false]);
  });
});
