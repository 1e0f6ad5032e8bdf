import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { offline } from "../lib/backend/fake/data";
import { app } from "../lib/stores/app.svelte";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);

describe("navigation", () => {
  it("reaches every view from the sidebar, by key and by breadcrumb", async () => {
    const user = userEvent.setup();
    await open("server");
    await screen.findByTestId("board");
    expect(at("unfinished").textContent).toContain("1");
    await user.click(at("nav-rollouts"));
    await screen.findByTestId("rollouts");
    expect(at("nav-rollouts").getAttribute("aria-current")).toBe("page");
    expect(at("nav-pipeline").getAttribute("aria-current")).toBeNull();
    await user.keyboard("{Control>}3{/Control}");
    await screen.findByTestId("share");
    await user.keyboard("{Control>}1{/Control}");
    await screen.findByTestId("board");
    app.showRollout("production");
    await screen.findByTestId("rollout");
    const crumbs = screen.getByRole("navigation", { name: "Breadcrumb" });
    expect(within(crumbs).getByText("4.2.4 to production").closest("li")?.getAttribute("aria-current")).toBe("page");
    await user.click(within(crumbs).getByRole("button", { name: "Rollouts" }));
    await screen.findByTestId("rollouts");
  });

  it("keeps focus: on the entry that was pressed, else on the new page", async () => {
    const user = userEvent.setup();
    await open("server");
    await screen.findByTestId("board");
    at("nav-rollouts").focus();
    await user.keyboard("{Enter}");
    await screen.findByTestId("rollouts");
    await waitFor(() => expect(document.activeElement).toBe(at("nav-rollouts")));
    at("open-rollout-production").focus();
    await user.keyboard("{Enter}");
    await screen.findByTestId("rollout");
    await waitFor(() => expect(document.activeElement).toBe(document.querySelector(".content")));
    await user.keyboard("?");
    await screen.findByTestId("shortcuts-sheet");
  });

  it("does not leave the page behind an open sheet", async () => {
    const user = userEvent.setup();
    await open("server");
    await screen.findByTestId("board");
    app.overlay = { kind: "shortcuts" };
    await screen.findByTestId("shortcuts-sheet");
    await user.keyboard("{Control>}3{/Control}");
    expect(app.view).toBe("pipeline");
  });
});

describe("the list of rollouts", () => {
  it("has a row for each channel, with share, devices and failures as parts of something", async () => {
    await open("server");
    app.view = "rollouts";
    await screen.findByTestId("rollouts");
    expect(at("row-state-production").textContent).toContain("Rolling out");
    expect(at("row-active-production").textContent).toContain("17,531 of 74,608");
    expect(at("row-failures-production").textContent).toContain("56 of 18,204");
    expect(at("row-failures-production").textContent?.replaceAll("\u00a0", " ")).toContain("95 %: 0.24 – 0.40 %");
    expect(at("row-failures-development").textContent).toContain("0 of 57");
    await waitFor(() => expect(at("rollout-row-production").querySelectorAll(".bar__tick").length).toBe(5));
  });

  it("opens the rollout of a row", async () => {
    await open("server");
    app.view = "rollouts";
    await userEvent.click(await screen.findByTestId("open-rollout-staging"));
    expect((await screen.findByTestId("rollout-title")).textContent).toBe("4.2.5 to staging");
  });

  it("says what belongs here while nothing is released", async () => {
    await open("empty");
    app.view = "rollouts";
    expect((await screen.findByTestId("rollouts-empty")).textContent).toContain("Nothing is rolling out");
  });

  it("keeps what is signed without an update server, and offers to connect one", async () => {
    await open("pipeline");
    app.view = "rollouts";
    expect((await screen.findByTestId("no-server")).textContent).toContain("Device counts need an update server");
    expect(at("row-active-production").textContent).toContain("–");
    expect(at("row-state-production").textContent).toContain("Rolling out");
    await userEvent.click(at("connect-server"));
    await screen.findByTestId("server-dialog");
  });

  it("shows an error with its code and reads again", async () => {
    const { backend } = await open("server", (fake) => fake.fail("rollouts", offline));
    app.view = "rollouts";
    expect((await screen.findByTestId("error-code")).textContent).toBe("storage.missing");
    backend.heal("rollouts");
    await userEvent.click(at("error-action"));
    await screen.findByTestId("rollouts");
  });

  it("is read again when the cache changed", async () => {
    const { backend } = await open("server");
    app.view = "rollouts";
    await screen.findByTestId("rollouts");
    const board = backend.boards.get("acme");
    const production = board?.channels[2];
    if (production?.current) production.current = { ...production.current, permille: 500 };
    backend.emit({ type: "board", data: { workspace: "acme" } });
    await waitFor(() => expect(at("rollout-row-production").textContent).toContain("50\u00a0%"));
  });
});

describe("a rollout", () => {
  it("shows its share, steps, gate, funnel, reasons and native versions, each with its denominator", async () => {
    await open("server");
    app.showRollout("production");
    expect((await screen.findByTestId("rollout-title")).textContent).toBe("4.2.4 to production");
    expect(at("rollout-state").textContent).toContain("Rolling out 25");
    expect(at("server-badge").textContent).toMatch(/As of \d\d:\d\d/);
    expect(at("steps").querySelector("[aria-current='step']")?.textContent).toContain("25");
    expect(at("gate-rate").textContent).toContain("56 of 18,204 attempts");
    expect(at("gate-sample").textContent).toContain("18,204");
    expect(at("gate-interval").textContent?.replaceAll("\u00a0", " ")).toContain("0.24 – 0.40 %");
    expect(at("gate-silent").textContent).toContain("20,144");
    expect(at("funnel").textContent).toContain("18,652");
    expect(at("reasons").textContent).toContain("App not ready in 10 s");
    expect(at("natives").textContent).toContain("13,870");
    expect(at("native-watch").textContent).toContain("4.1.0 has 922 attempts");
    expect(document.querySelectorAll(".btn--primary").length).toBe(1);
  });

  it("has a table with the same data as the chart, and the chart in words", async () => {
    const user = userEvent.setup();
    await open("server");
    app.showRollout("production");
    const chart = await screen.findByTestId("adoption-chart");
    expect(chart.getAttribute("aria-label")).toContain("4.2.4 from 0\u00a0% to 23.5\u00a0%");
    await user.click(at("adoption-as-table"));
    const rows = at("adoption-table").querySelectorAll("tbody tr");
    expect(rows.length).toBe(15);
    expect(rows[0]?.textContent).toContain("17,531");
    expect(at("adoption-table").textContent).toContain("Halted");
    expect(at("adoption-as-table").getAttribute("aria-pressed")).toBe("true");
  });

  it("offers each act as its own dialog, the rare ones in the menu", async () => {
    const user = userEvent.setup();
    await open("server");
    app.showRollout("production");
    await user.click(await screen.findByTestId("act-advance"));
    expect(app.overlay).toMatchObject({ kind: "rollout", asked: { action: "advance", permille: 500 } });
    app.close();
    await user.click(await screen.findByTestId("act-more"));
    await user.click(await screen.findByTestId("act-embedded"));
    expect(app.overlay).toMatchObject({ asked: { action: "embedded", channel: "production" } });
  });

  it("proposes the signed halt once the gate stopped it", async () => {
    const user = userEvent.setup();
    await open("stopped");
    app.showRollout("production");
    expect((await screen.findByTestId("stopped-by-gate")).textContent).toContain("offers 4.2.4 to no more devices");
    expect(at("rollout-state").dataset["state"]).toBe("stopped_by_gate");
    expect(at("gate-state").textContent).toContain("Stopped by gate");
    expect(at("gate-limit").dataset["state"]).toBe("no");
    expect(at("act-halt").className).toContain("btn--primary");
    await user.click(at("act-more"));
    await user.click(await screen.findByTestId("act-advance"));
    expect(app.overlay).toBeNull();
    expect((await screen.findByTestId("toast-text")).textContent).toContain("gate stopped it");
    await user.click(at("sign-halt"));
    expect(app.overlay).toMatchObject({ asked: { action: "halt" } });
  });

  it("is readable with its age while the server is not reached", async () => {
    await open("server-offline");
    app.showRollout("production");
    expect((await screen.findByTestId("server-offline")).textContent).toMatch(/As of .*\d\d:\d\d, cached\./);
    expect(at("server-badge").textContent).toContain("cached");
    expect(at("gate-rate").textContent).toContain("56 of 18,204");
    expect(at("adoption-chart")).toBeTruthy();
  });

  it("shows the reason of a halt, and resumes", async () => {
    await open("halted");
    app.showRollout("production");
    expect((await screen.findByTestId("rollout-reason")).textContent).toContain("Blank map reports");
    await userEvent.click(at("act-resume"));
    expect(app.overlay).toMatchObject({ asked: { action: "resume" } });
  });

  it("draws the first minutes as a share of all devices of the channel", async () => {
    await open("fleet");
    app.showRollout("production");
    const label = (await screen.findByTestId("adoption-chart")).getAttribute("aria-label") ?? "";
    expect(label).toMatch(/4\.2\.4 from 0\u00a0% to 2[23]\.\d\u00a0%/u);
  });

  it("says what a server would add where none is connected", async () => {
    await open("pipeline");
    app.showRollout("production");
    await screen.findByTestId("no-server");
    expect(at("server-badge").textContent).toContain("No update server");
    expect(screen.queryByTestId("gate-card")).toBeNull();
    expect(at("act-halt")).toBeTruthy();
  });
});

describe("notices of the engine", () => {
  it("are said aloud: a gate that stopped a rollout, and one that is complete", async () => {
    const { backend } = await open("server");
    await screen.findByTestId("board");
    const notice = { workspace: "acme", unit: "main", channel: "production" };
    backend.emit({
      type: "notice",
      data: { ...notice, kind: "stopped_by_gate", title: "4.2.4 stopped itself on production", text: "97 of 4,102." },
    });
    expect((await screen.findByTestId("toast-title")).textContent).toBe("4.2.4 stopped itself on production");
    expect(at("toast").dataset["kind"]).toBe("warn");
    backend.emit({ type: "notice", data: { ...notice, kind: "complete", title: "4.2.4 is complete", text: "" } });
    await waitFor(() => expect(screen.getAllByTestId("toast").at(-1)?.dataset["kind"]).toBe("ok"));
  });
});

describe("a message of a gate", () => {
  it("goes by itself once what follows from it is signed", async () => {
    const user = userEvent.setup();
    const { backend } = await open("stopped");
    await screen.findByTestId("board");
    const place = { workspace: "acme", unit: "main", channel: "production" };
    const said = { kind: "stopped_by_gate", title: "4.2.4 stopped itself on production", text: "97 of 4,102." };
    backend.emit({ type: "notice", data: { ...place, ...said } });
    await screen.findByTestId("toast-title");
    app.changeRollout("production", "halt");
    await user.click(await screen.findByTestId("change-start"));
    await screen.findByTestId("receipt-headline");
    await waitFor(() => expect(screen.queryByText("4.2.4 stopped itself on production")).toBeNull());
  });
});

describe("simulated devices", () => {
  it("are offered in the sandbox only", async () => {
    await open("server");
    app.view = "rollouts";
    await screen.findByTestId("rollouts");
    expect(screen.queryByTestId("fleet")).toBeNull();
  });

  it("start with a failure rate and stop again", async () => {
    const user = userEvent.setup();
    const { backend } = await open("fleet");
    app.view = "rollouts";
    await user.selectOptions(await screen.findByTestId("fleet-rate"), "500");
    await user.click(at("fleet-start"));
    expect((await screen.findByTestId("fleet-running")).textContent).toContain("2,000 simulated devices");
    await user.click(await screen.findByTestId("fleet-stop"));
    await screen.findByTestId("fleet-start");
    expect(backend.calls.filter((call) => call.name === "fleet").map((call) => call.request)).toEqual([
      { workspace: "sandbox", devices: 2000, failurePermille: 500 },
      { workspace: "sandbox", devices: 0, failurePermille: 500 },
    ]);
  });

  it("are asked for when the page is loaded anew, with their failure rate", async () => {
    const { backend } = await open("fleet", (held) => {
      held.fleet = { devices: 1500, checks: 40_000, failurePermille: 50 };
    });
    app.view = "rollouts";
    expect((await screen.findByTestId("fleet-running")).textContent).toContain("1,500 simulated devices");
    await waitFor(() => expect((at("fleet-rate") as HTMLSelectElement).value).toBe("50"));
    expect(backend.calls.some((call) => call.name === "fleet")).toBe(false);
  });
});

describe("the pipeline with an update server", () => {
  it("marks the steps of a rollout on its bar, and none where it is complete", async () => {
    await open("server");
    const marks = (channel: string): number =>
      at(`release-${channel}`).querySelectorAll(".rel__roll .bar__tick").length;
    await screen.findByTestId("devices-production");
    expect([marks("development"), marks("production")]).toEqual([0, 5]);
    expect(at("release-production").querySelectorAll(".bar__tick--in").length).toBe(3);
  });

  it.each([
    [false, "Others keep what they run"],
    [true, "Others return to the embedded build"],
  ])("says what the others get where no release is the base", async (othersEmbedded, says) => {
    await open("server", (held) => {
      const current = held.boards.get("acme")?.channels[2]?.current;
      if (current) Object.assign(current, { base: null, othersEmbedded });
    });
    expect((await screen.findByTestId("release-production")).textContent).toContain(says);
  });

  it("shows devices and failures with what they are a part of", async () => {
    await open("server");
    expect((await screen.findByTestId("devices-production")).textContent).toBe("17,531 of 74,608");
    expect(at("failures-production").textContent).toContain("56 of 18,204");
    expect(at("failures-production").textContent).toContain("0.31\u00a0%");
    expect(at("release-production").querySelector("[role='img']")?.getAttribute("aria-label")).toContain("confirmed");
    expect(screen.queryByTestId("no-devices")).toBeNull();
  });

  it("says that the gate stopped a rollout", async () => {
    await open("stopped");
    expect((await screen.findByTestId("rollout-production")).textContent).toContain("Stopped by gate");
    expect(at("channel-production").textContent).toContain("No new offers");
  });

  it.each([
    ["release-production", "h", { action: "halt", build: null }],
    ["previous-production-1287", "b", { action: "roll_back", build: 1287 }],
    ["release-production", "b", { action: "roll_back", build: 1294 }],
  ])("on %s, %s asks for the change of that place", async (place, key, asked) => {
    const user = userEvent.setup();
    await open("server");
    await screen.findByTestId("board");
    at(place).focus();
    await user.keyboard(key);
    expect(app.overlay).toMatchObject({ kind: "rollout", asked: { channel: "production", ...asked } });
  });

  it("opens the rollout of a card with Enter", async () => {
    const user = userEvent.setup();
    await open("server");
    await screen.findByTestId("board");
    at("release-production").focus();
    await user.keyboard("{Enter}");
    expect(app.view).toBe("rollout");
    expect(app.channel).toBe("production");
  });

  it("leaves Enter to the buttons of the board, and says why nothing can be halted", async () => {
    const user = userEvent.setup();
    await open("server");
    await screen.findByTestId("board");
    at("gate-development-staging").focus();
    await user.keyboard("{Enter}");
    expect(app.overlay).toMatchObject({ kind: "promote" });
    app.close();
    at("release-staging").focus();
    await user.keyboard("h");
    expect(app.overlay).toBeNull();
    expect((await screen.findByTestId("toast-text")).textContent).toContain("not rolling out");
  });
});
