import { render, screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { GateView } from "../../lib/bindings/GateView";
import GateCard from "./GateCard.svelte";

function gate(state: string, failures: number, attempts: number, lower: number, upper: number): GateView {
  const rate = { failures, attempts, lower, upper, silent: 0 };
  return { state, minSample: 50, maxFailurePermille: 50, rate, stopped: null };
}

function states(view: GateView): (string | undefined)[] {
  const { unmount } = render(GateCard, { gate: view, steps: [], serverless: false });
  const found = ["sample", "limit", "interval"].map((id) => screen.getByTestId(`gate-${id}`).dataset["state"]);
  unmount();
  return found;
}

describe("the health gate", () => {
  it("calls nothing met before it has its sample", () => {
    expect(states(gate("waiting", 0, 8, 0, 0.324))).toEqual(["wait", "wait", "wait"]);
  });

  it("says what is over the limit, however small the sample", () => {
    expect(states(gate("waiting", 6, 8, 0.4, 0.93))).toEqual(["wait", "no", "no"]);
  });

  it("is met once the sample is there and the rate is below the limit", () => {
    expect(states(gate("open", 1, 200, 0.001, 0.028))).toEqual(["yes", "yes", "yes"]);
  });
});
