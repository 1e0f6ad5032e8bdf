import { screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { install } from "../lib/backend/fake/devices";
import { www } from "../lib/backend/fake/ship";
import { app } from "../lib/stores/app.svelte";
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
    ["workstation", "offline-review"],
    ["workstation-alarms", "offline-alarms"],
    ["workstation-setup", "offline-setup-view"],
  ] as const)("hold in %s", async (scenario, testid) => {
    await open(scenario);
    await screen.findByTestId(testid);
    expect(await violations()).toEqual([]);
  });

  it.each([
    ["server", "rollouts", "rollouts"],
    ["empty", "rollouts", "rollouts-empty"],
    ["pipeline", "rollouts", "no-server"],
    ["server", "rollout", "gate-card"],
    ["stopped", "rollout", "stopped-by-gate"],
    ["server-offline", "rollout", "server-offline"],
    ["fleet", "rollout", "fleet"],
    ["server", "devices", "share"],
    ["pipeline", "devices", "no-server"],
    ["pipeline", "activity", "entry-card"],
    ["broken", "activity", "entry-card"],
    ["offline", "activity", "activity-offline"],
    ["requests", "requests", "requests-pending"],
    ["pipeline", "requests", "requests-empty"],
    ["pipeline", "settings", "no-mirrors"],
    ["uploading", "settings", "settings-sweep"],
    ["offline", "settings", "no-mirrors"],
    ["empty", "settings", "no-mirrors"],
  ] as const)("hold in %s on %s", async (scenario, view, testid) => {
    await open(scenario);
    app.view = view;
    await screen.findByTestId(testid);
    expect(await violations()).toEqual([]);
  });

  it.each(["a1", "b2", "c3", "d4"])("hold on the request %s", async (id) => {
    await open("requests");
    app.showRequest(id);
    await screen.findByTestId("request-signed");
    expect(await violations()).toEqual([]);
  });

  it("hold in the table of adoption, and with an install and an answer on screen", async () => {
    const user = userEvent.setup();
    await open("server");
    app.showRollout("production");
    await user.click(await screen.findByTestId("adoption-as-table"));
    expect(await violations()).toEqual([]);
    app.view = "devices";
    await user.type(await screen.findByTestId("lookup-install"), `${install}{Enter}`);
    await screen.findByTestId("lookup-production");
    await user.click(screen.getByTestId("simulate-go"));
    await screen.findByTestId("simulate-answer");
    expect(await violations()).toEqual([]);
  });

  it.each([
    ["setup-app", "setup-config", "setup-sheet"],
    ["connect-server", "server-url", "server-dialog"],
  ])("hold in the dialog behind %s", async (button, ready, dialog) => {
    await open(button === "setup-app" ? "server" : "pipeline");
    app.view = "devices";
    await screen.findByTestId("simulate");
    await userEvent.click(await screen.findByTestId(button));
    await screen.findByTestId(ready);
    document.querySelector(".under")?.remove();
    expect(await violations(screen.getByTestId(dialog))).toEqual([]);
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
