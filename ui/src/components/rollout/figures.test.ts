import { describe, expect, it } from "vitest";
import { rateOf } from "../../lib/backend/fake/figures";
import type { GateView } from "../../lib/bindings/GateView";
import { failureRate, failuresSay, interval, shareOf } from "./figures";
import { at, markSays, scaleOf } from "./interval";

const gate = (failures: number, attempts: number, maxFailurePermille = 10): GateView => ({
  state: "open",
  minSample: 500,
  maxFailurePermille,
  rate: rateOf(failures, attempts),
  stopped: null,
});

describe("failures", () => {
  it("always stand with their denominator and interval", () => {
    const rate = rateOf(56, 18_204);
    expect(failureRate(rate)).toBe("0.31\u00a0%");
    expect(interval(rate)).toBe("0.24 – 0.40\u00a0%");
    expect(failuresSay(rate)).toContain("56 of 18,204 failed · 0.31\u00a0%");
  });

  it("claim nothing without attempts", () => {
    expect(failureRate(rateOf(0, 0))).toBe("no attempts yet");
    expect(interval(rateOf(0, 0))).toBeNull();
    expect(failuresSay(rateOf(0, 0, 3))).toBe("3 devices use clients that give no failure signal");
  });

  it("say which devices they know nothing of", () => {
    expect(failuresSay(rateOf(1, 10, 1))).toContain("1 device uses a client that gives no failure signal");
  });

  it("give shares of devices one digit, and tiny ones no zero", () => {
    expect([shareOf(17_531, 74_608), shareOf(3, 74_608), shareOf(0, 10), shareOf(10, 10), shareOf(1, 0)]).toEqual([
      "23.5\u00a0%",
      "under 0.1\u00a0%",
      "0\u00a0%",
      "100\u00a0%",
      "–",
    ]);
  });
});

describe("the bar of the gate", () => {
  it("has the limit at two thirds while the interval fits", () => {
    const scale = scaleOf(gate(56, 18_204));
    expect(scale).toEqual({ max: 1.5, marks: [0, 0.5, 1, 1.5] });
    expect(Math.round(at(0.01, scale))).toBe(67);
    expect(markSays(1.5, scale)).toBe("1.5\u00a0%");
  });

  it.each([
    [97, 4102],
    [1, 1],
    [0, 3],
    [500, 500],
    [0, 0],
  ])("holds %i of %i: everything stays within it", (failures, attempts) => {
    const view = gate(failures, attempts);
    const scale = scaleOf(view);
    expect(scale.max).toBeGreaterThan(1);
    expect(scale.marks.length).toBeLessThanOrEqual(7);
    for (const rate of [view.rate.lower ?? 0, view.rate.upper ?? 0, 0.01]) {
      expect(at(rate, scale)).toBeGreaterThanOrEqual(0);
      expect(at(rate, scale)).toBeLessThanOrEqual(100);
    }
  });

  it("survives a limit of zero", () => {
    expect(scaleOf(gate(0, 0, 0)).max).toBeGreaterThan(0);
  });
});
