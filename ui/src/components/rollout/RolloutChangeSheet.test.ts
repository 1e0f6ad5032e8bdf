import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { FakeBackend, Scenario } from "../../lib/backend/fake";
import type { CommandMap } from "../../lib/bindings/CommandMap";
import { app } from "../../lib/stores/app.svelte";
import { violations } from "../../test/axe";
import { open } from "../../test/start";

type Sent<C extends keyof CommandMap> = CommandMap[C][0];

function sent<C extends keyof CommandMap>(backend: FakeBackend, name: C): Sent<C>[] {
  return backend.calls.filter((call) => call.name === name).map((call) => call.request as Sent<C>);
}

async function change(
  action: string,
  more: { permille?: number; build?: number } = {},
  scenario: Scenario = "server",
  prepare: (backend: FakeBackend) => void = () => {},
) {
  const { backend } = await open(scenario, prepare);
  app.changeRollout("production", action, more);
  await screen.findByTestId("rollout-sheet");
  return { backend, user: userEvent.setup() };
}

const at = (testid: string): HTMLElement => screen.getByTestId(testid);

describe("halting", () => {
  it("says who is affected in devices, leaves them where they are, and asks for no name", async () => {
    await change("halt");
    expect((await screen.findByTestId("change-affected")).textContent).toContain("550 devices");
    expect(at("change-lead").textContent).toContain("No device moves back");
    expect(at("change-before").textContent).toContain("Rolling out at 25");
    expect(at("change-after").textContent).toContain("Halted at 25");
    expect(screen.queryByTestId("typed-confirm")).toBeNull();
    expect(at("change-instead").textContent).toContain("roll back");
  });

  it("signs with the reason, follows the job, and the board says halted", async () => {
    const { backend, user } = await change("halt");
    await user.type(await screen.findByTestId("change-reason"), "Blank map on Android 14");
    await user.click(at("change-start"));
    await screen.findByTestId("receipt-headline");
    expect(at("receipt-headline").textContent).toContain("Halted at 25");
    expect(at("receipt-metadata").textContent).toContain("main.production.rollout");
    // Nothing was uploaded, so nothing is said of bytes.
    expect(screen.queryByTestId("receipt-uploaded")).toBeNull();
    expect(sent(backend, "rollout_prepare").map((request) => request.reason)).toEqual(["", "Blank map on Android 14"]);
    expect(sent(backend, "rollout_start")).toEqual([{ plan: "plan-halt", typed: null }]);
    await user.click(at("receipt-done"));
    await waitFor(() => expect(at("rollout-production").textContent).toContain("Halted"));
  });

  it("signs nothing when the rollout moved on meanwhile, and shows what it would be now", async () => {
    const { backend, user } = await change("halt");
    await user.type(await screen.findByTestId("change-reason"), "Blank map");
    const board = backend.boards.get("acme");
    const production = board?.channels[2];
    if (production?.current) production.current = { ...production.current, permille: 500 };
    await user.click(at("change-start"));
    expect((await screen.findByTestId("change-moved")).textContent).toContain("Nothing was signed");
    expect(sent(backend, "rollout_start")).toEqual([]);
    expect(at("change-after").textContent).toContain("Halted at 50");
    await user.click(at("change-start"));
    await screen.findByTestId("receipt-headline");
  });

  it("opens the other act from the note", async () => {
    const { user } = await change("halt");
    await user.click(await screen.findByText("roll back"));
    expect(app.overlay).toMatchObject({ kind: "rollout", asked: { action: "roll_back", channel: "production" } });
  });
});

describe("rolling back", () => {
  it("stays closed until the channel's name is typed", async () => {
    const { backend, user } = await change("roll_back");
    const typed = await screen.findByTestId("typed-confirm");
    expect(at("change-start").getAttribute("aria-disabled")).toBe("true");
    await user.type(typed, "prod{Enter}");
    expect(at("change-why").textContent).toContain("the channel's name");
    expect(sent(backend, "rollout_start")).toEqual([]);
    await user.type(typed, "uction{Enter}");
    await screen.findByTestId("receipt-headline");
    expect(sent(backend, "rollout_start")).toEqual([{ plan: "plan-roll_back", typed: "production" }]);
  });

  it("begins with the newest earlier release, lets one choose another, and names who cannot follow", async () => {
    const { backend, user } = await change("roll_back");
    await screen.findByTestId("change-target");
    expect(sent(backend, "rollout_prepare").at(-1)?.build).toBe(1294);
    expect(at("change-cannot").textContent).toContain("41 devices cannot follow");
    expect(at("change-cannot").textContent).toMatch(/Capgo updater\s*41\s*Marked 4\.2\.3 as failed/u);
    expect(at("rollout-sheet").textContent).toContain("Data that 4.2.4 wrote on devices stays as it is");
    await user.selectOptions(at("change-target"), "1287");
    await waitFor(() => expect(at("change-start").textContent).toContain("Roll back to 4.2.2"));
    expect(sent(backend, "rollout_prepare").at(-1)?.build).toBe(1287);
  });

  it("puts a build beside the release that devices would move to", async () => {
    const { user } = await change("roll_back");
    await user.click(await screen.findByTestId("change-compare"));
    await screen.findByTestId("compare-sheet");
    expect(app.overlay).toMatchObject({ kind: "compare", release: { build: 1294, channel: "Production" } });
  });

  it("takes the release of the row that it was opened from", async () => {
    const { backend } = await change("roll_back", { build: 1276 });
    await screen.findByTestId("change-target");
    expect(sent(backend, "rollout_prepare")[0]?.build).toBe(1276);
  });
});

describe("the other acts", () => {
  it("advance warns of a sample that is too small", async () => {
    await change("advance", { permille: 500 });
    expect((await screen.findByTestId("change-warning")).textContent).toContain("922 attempts");
    expect(at("rollout-sheet").textContent).toContain("Advance 4.2.4 to 50\u00a0% in production");
  });

  it("back to embedded names the devices that cannot return", async () => {
    await change("embedded");
    expect((await screen.findByTestId("change-cannot")).textContent).toContain("861 devices cannot return");
    const clients = [...at("change-cannot").querySelectorAll("li > b")].map((client) => client.textContent);
    expect(clients).toEqual(["Ionic Live Updates", "cordova-plugin-ionic"]);
    expect(at("change-after").textContent).toContain("Embedded build");
  });

  it("says that no figures are known without an update server, instead of zero devices", async () => {
    await change("halt", {}, "pipeline");
    expect((await screen.findByTestId("change-affected")).textContent).toContain("No device figures are known");
  });

  it.each(["halt", "roll_back", "advance", "embedded"])("%s holds the accessibility rules", async (action) => {
    await change(action, action === "advance" ? { permille: 500 } : {});
    await screen.findByTestId("change-affected");
    document.querySelector(".under")?.remove();
    expect(await violations(at("rollout-sheet"))).toEqual([]);
  });
});

describe("the job of a change", () => {
  it("can be looked at again from the list of jobs", async () => {
    const { backend } = await open("server");
    const plan = await backend.invoke("rollout_prepare", {
      workspace: "acme",
      unit: "main",
      channel: "production",
      action: "halt",
      permille: null,
      build: null,
      reason: "",
    });
    const { job } = await backend.invoke("rollout_start", { plan: plan.plan, typed: null });
    app.openJob(await backend.invoke("job", { job }));
    await screen.findByTestId("receipt-headline");
    expect(sent(backend, "rollout_prepare").length).toBe(1);
  });
});

describe("refusals", () => {
  const refused = {
    code: "rollout.state",
    message: "The rollout is halted already.",
    holds: "The channel serves what it served before.",
    remedy: "Look at the channel's state.",
    detail: null,
    retryable: false,
    field: null,
  };

  it("show their code, and that nothing was changed", async () => {
    await change("halt", {}, "server", (backend) => backend.fail("rollout_prepare", refused));
    expect((await screen.findByTestId("error-code")).textContent).toBe("rollout.state");
    expect(at("rollout-sheet").textContent).toContain("Nothing was changed");
    expect(at("change-start").getAttribute("aria-disabled")).toBe("true");
  });

  it("of a reason stand beside its field, and go away with a better one", async () => {
    const wrong = { ...refused, code: "usage.argument", message: "Production asks for a reason.", field: "reason" };
    const { backend, user } = await change("halt", {}, "server", (fake) => fake.fail("rollout_prepare", wrong));
    const field = await screen.findByTestId("change-reason");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(screen.queryByTestId("error-panel")).toBeNull();
    backend.heal("rollout_prepare");
    await user.type(field, "Blank map");
    await user.click(at("change-start"));
    // The plan was never seen, so it is shown before it can be signed.
    await screen.findByTestId("change-affected");
    expect(sent(backend, "rollout_start")).toEqual([]);
    await user.click(at("change-start"));
    await screen.findByTestId("receipt-headline");
  });
});
