import { screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { app } from "../lib/stores/app.svelte";
import { open } from "../test/start";

async function activity(scenario: "pipeline" | "broken" | "offline"): Promise<Awaited<ReturnType<typeof open>>> {
  const page = await open(scenario);
  await userEvent.click(await screen.findByTestId("nav-activity"));
  await screen.findByTestId("timeline");
  return page;
}

const numbers = (): string[] =>
  [...screen.getByTestId("timeline").querySelectorAll("[data-testid^=entry-]")].map((row) =>
    (row.getAttribute("data-testid") ?? "").replace("entry-", ""),
  );

describe("activity", () => {
  it("shows the newest entry with its two neighbours in the chain", async () => {
    await activity("pipeline");
    expect(screen.getByTestId("verdict").textContent).toContain("Chain verified, nothing missing or changed");
    expect(screen.getByTestId("activity-summary").textContent).toMatch(/^9 entries since/);
    const card = screen.getByTestId("entry-card");
    expect(card.textContent).toContain("Entry #9");
    expect(card.textContent).toContain("Entry #8, hash");
    await userEvent.click(screen.getByTestId("entry-5"));
    expect(screen.getByTestId("entry-card").textContent).toContain("Entry #6, hash");
    expect(screen.getByTestId("entry-card").textContent).toContain("4.2.4 at 10 %");
    expect(screen.getByTestId("entry-state").textContent).toContain("Verified");
  });

  it("renders what people wrote as text", async () => {
    await activity("pipeline");
    expect(screen.getByTestId("entry-9").textContent).toContain("<b>Offline maps</b>");
  });

  it("filters by person, action, part, channel and words, and says how much is hidden", async () => {
    const user = userEvent.setup();
    await activity("pipeline");
    await user.selectOptions(screen.getByTestId("activity-group"), "releases");
    expect(numbers()).toEqual(["9", "7", "5", "4", "3", "2"]);
    expect(screen.queryByTestId("local-synced")).toBeNull();
    await user.selectOptions(screen.getByTestId("activity-by"), "Mara Lindqvist");
    expect(numbers()).toEqual(["5", "4"]);
    await user.selectOptions(screen.getByTestId("activity-kind"), "advance");
    expect(numbers()).toEqual(["5"]);
    expect(screen.getByTestId("activity-hidden").textContent).toContain("10 lines hidden by the filter");
    await user.selectOptions(screen.getByTestId("activity-by"), "");
    await user.selectOptions(screen.getByTestId("activity-kind"), "");
    await user.selectOptions(screen.getByTestId("activity-place"), "main/production");
    expect(numbers()).toEqual(["5", "4", "3"]);
    await user.type(screen.getByTestId("activity-search"), "crash config");
    expect(numbers()).toEqual(["4"]);
    expect(screen.getByTestId("entry-card").textContent).toContain("Entry #4");
    await user.type(screen.getByTestId("activity-search"), " nowhere");
    expect(screen.getByTestId("activity-nothing").textContent).toContain("Nothing fits the filter");
  });

  it("shows what happened here apart, without a number", async () => {
    await activity("pipeline");
    const local = screen.getByTestId("local-job_failed");
    expect(local.textContent).toContain("not signed");
    expect(within(local).queryByRole("button")).toBeNull();
    await userEvent.selectOptions(screen.getByTestId("activity-group"), "local");
    expect(numbers()).toEqual([]);
    expect(screen.getByTestId("local-synced")).toBeTruthy();
  });

  it("moves through the entries with the arrow keys", async () => {
    const user = userEvent.setup();
    await activity("pipeline");
    screen.getByTestId("entry-9").focus();
    await user.keyboard("{ArrowDown}{ArrowDown}");
    expect(document.activeElement?.getAttribute("data-testid")).toBe("entry-7");
    expect(screen.getByTestId("entry-card").textContent).toContain("Entry #7");
  });

  it("names the first bad entry of a broken chain", async () => {
    await activity("broken");
    const verdict = screen.getByTestId("verdict");
    expect(verdict.getAttribute("role")).toBe("alert");
    expect(verdict.textContent).toContain("Chain broken: entry #4 is the first bad one");
    expect(verdict.textContent).toContain("main.production.rollout version 19");
    await userEvent.click(screen.getByTestId("entry-4"));
    expect(screen.getByTestId("entry-state").textContent).toContain("Not verified");
  });

  it("stays readable when storage is not reached", async () => {
    await activity("offline");
    expect(screen.getByTestId("verdict").textContent).toContain("cached");
    expect(screen.getByTestId("activity-offline").textContent).toContain("storage.");
    expect(numbers()).toHaveLength(9);
  });

  it("reads what is known first, then what is new, and everything when asked", async () => {
    const { backend } = await activity("pipeline");
    await userEvent.click(await screen.findByTestId("verify-again"));
    await screen.findByText(/Every file was read from storage/);
    const reads = backend.calls.filter((made) => made.name === "activity").map((made) => made.request);
    expect(reads.map((request) => (request as { read: string }).read)).toEqual(["cached", "new", "anew"]);
  });

  it("exports and copies", async () => {
    const user = userEvent.setup();
    const { backend } = await activity("pipeline");
    await user.click(screen.getByTestId("export-log"));
    await user.click(await screen.findByTestId("export-csv"));
    await screen.findByText("9 entries exported");
    expect(backend.calls.at(-1)?.request).toEqual({ workspace: app.workspace?.id, format: "csv" });
    await user.click(screen.getByTestId("copy-entry"));
    expect(await navigator.clipboard.readText()).toContain("#9 ");
  });

  it("opens the rollout that an entry is about", async () => {
    await activity("pipeline");
    await userEvent.click(screen.getByTestId("entry-5"));
    await userEvent.click(screen.getByTestId("open-entry"));
    expect(app.view).toBe("rollout");
    expect(app.channel).toBe("production");
  });
});
