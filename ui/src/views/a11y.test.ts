import { screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { www } from "../lib/backend/fake/ship";
import { violations } from "../test/axe";
import { open } from "../test/start";

describe("accessibility rules", () => {
  it.each([
    ["welcome", "start-sandbox"],
    ["empty", "board"],
    ["pipeline", "board"],
    ["offline", "offline-banner"],
    ["validity", "validity-freshness"],
    ["error", "error-panel"],
  ] as const)("hold in %s", async (scenario, testid) => {
    await open(scenario);
    await screen.findByTestId(testid);
    expect(await violations()).toEqual([]);
  });

  it("hold in connect with a chosen root", async () => {
    await open("welcome");
    await userEvent.click(await screen.findByTestId("connect"));
    await userEvent.click(await screen.findByTestId("root-choose"));
    await screen.findByTestId("root-words");
    expect(await violations()).toEqual([]);
  });

  it("hold while something is dragged over the window", async () => {
    const { backend } = await open("pipeline");
    backend.emit({ type: "drop", data: { phase: "enter", item: www, x: null, y: null } });
    await screen.findByTestId("drop-overlay");
    expect(await violations()).toEqual([]);
  });

  it("hold in the sheet of keys", async () => {
    await open("pipeline");
    await userEvent.click(await screen.findByTestId("key-shortcuts"));
    // Alone, as the page behind it is inert, which jsdom does not know.
    document.querySelector(".under")?.remove();
    expect(await violations(await screen.findByTestId("shortcuts-sheet"))).toEqual([]);
  });
});
