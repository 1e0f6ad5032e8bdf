import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { photo, www } from "../lib/backend/fake/ship";
import { unreadable } from "../lib/backend/fake/data";
import { app } from "../lib/stores/app.svelte";
import { violations } from "../test/axe";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);

/** jsdom has no layout: what lies under a point is said by the test. */
function under(testid: string | null): void {
  document.elementsFromPoint = vi.fn(() => (testid === null ? [document.body] : [document.body, at(testid)]));
}

afterEach(() => {
  Reflect.deleteProperty(document, "elementsFromPoint");
});

describe("comparing a release with a build", () => {
  it("starts with C on a card, and shows what differs", async () => {
    const { backend } = await open("pipeline");
    (await screen.findByTestId("release-staging")).focus();
    await userEvent.keyboard("c");
    await userEvent.click(await screen.findByTestId("compare-folder"));
    expect((await screen.findByTestId("compare-verdict")).dataset["verdict"]).toBe("different");
    expect(backend.calls.find((call) => call.name === "compare_build")?.request).toEqual({
      workspace: "acme",
      unit: "main",
      handle: "build-www",
      build: 1308,
    });
    const [signed, own] = screen.getAllByTestId("compare-hash");
    expect(signed?.children).toHaveLength(16);
    expect(own?.textContent).not.toBe(signed?.textContent);
    expect(at("compare-added").textContent).toBe("Added 2");
    await userEvent.click(at("compare-removed"));
    const rows = document.querySelectorAll("[data-testid=compare-files] tbody tr");
    expect([...rows].map((row) => row.textContent)).toEqual([expect.stringContaining("assets/img/spinner.gif")]);
    document.querySelector(".under")?.remove();
    expect(await violations(at("compare-sheet"))).toEqual([]);
  });

  it("puts another release beside it, chosen here or from a promotion", async () => {
    const { backend } = await open("pipeline");
    (await screen.findByTestId("release-staging")).focus();
    await userEvent.keyboard("c");
    const choice = await screen.findByTestId("compare-other");
    const options = [...choice.querySelectorAll("option")].map((option) => option.textContent);
    expect(options[1]).toContain("4.2.6, build 1312 · Development");
    expect(options.join()).not.toContain("build 1308");
    expect(at("compare-beside").getAttribute("aria-disabled")).toBe("true");
    await userEvent.selectOptions(choice, "1312");
    await userEvent.click(at("compare-beside"));
    expect((await screen.findByTestId("compare-verdict")).dataset["verdict"]).toBe("different");
    const request = { workspace: "acme", unit: "main", build: 1308, other: 1312 };
    expect(backend.calls.find((call) => call.name === "compare_releases")?.request).toEqual(request);
    expect(at("compare-files").querySelector("thead")?.textContent).toContain("4.2.6");
    expect(screen.queryByTestId("compare-ship"), "there is nothing to ship").toBeNull();
    await userEvent.click(at("compare-another"));
    await userEvent.click(await screen.findByTestId("compare-cancel"));

    await userEvent.click(at("gate-staging-production"));
    await userEvent.click(await screen.findByTestId("promote-compare"));
    await screen.findByTestId("compare-verdict");
    expect(app.overlay).toMatchObject({ kind: "compare", release: { version: "4.2.4" }, other: { build: 1308 } });
    await userEvent.click(at("compare-close"));
    await screen.findByTestId("promote-affected");
  });

  it("starts with C on an earlier release and from the menu of a card", async () => {
    await open("pipeline");
    (await screen.findByTestId("previous-production-1287")).focus();
    await userEvent.keyboard("c");
    expect(app.overlay).toMatchObject({ kind: "compare", release: { build: 1287, channel: "Production" }, back: null });
    app.close();
    await userEvent.click(await screen.findByTestId("release-menu-development"));
    await userEvent.click(await screen.findByTestId("release-compare"));
    expect(app.overlay).toMatchObject({ kind: "compare", release: { build: 1312, version: "4.2.6" } });
  });

  it.each([
    ["same", "Same bytes"],
    ["packer", "Same files, other packer"],
  ] as const)("says %s and lists no files", async (finds, words) => {
    await open("pipeline", (backend) => (backend.finds = finds));
    await screen.findByTestId("board");
    app.compare({ version: "4.2.5", build: 1308, channel: "Staging" }, www);
    expect((await screen.findByTestId("compare-verdict")).textContent).toContain(words);
    expect(screen.queryByTestId("compare-files")).toBeNull();
  });

  it("ships nothing by itself, but hands the build on when asked", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    app.compare({ version: "4.2.5", build: 1308, channel: "Staging" }, www);
    await screen.findByTestId("compare-verdict");
    expect(backend.calls.some((call) => call.name === "ship_prepare")).toBe(false);
    await userEvent.click(at("compare-ship"));
    expect(app.overlay).toMatchObject({ kind: "ship", item: { handle: "build-www" } });
  });

  it("says why it failed and can try again", async () => {
    const { backend } = await open("pipeline", (fake) => fake.fail("compare_build", unreadable));
    await screen.findByTestId("board");
    app.compare({ version: "4.2.5", build: 1308, channel: "Staging" }, www);
    expect((await screen.findByTestId("error-code")).textContent).toBe("trust.other_workspace");
    backend.heal("compare_build");
    await userEvent.click(at("error-action"));
    await screen.findByTestId("compare-verdict");
  });
});

describe("a drop on a release", () => {
  it("is named under the pointer, and compares instead of shipping", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    under(null);
    backend.emit({ type: "drop", data: { phase: "enter", item: www, x: 10, y: 10 } });
    expect((await screen.findByTestId("drop-overlay")).textContent).toContain("Drop to inspect ‘www’");
    under("previous-production-1287");
    backend.emit({ type: "drop", data: { phase: "over", item: null, x: 900, y: 400 } });
    await waitFor(() => expect(at("drop-overlay").textContent).toContain("Drop to compare ‘www’ with 4.2.2"));
    expect(at("drop-overlay").textContent).toContain("Build 1287 on Production");
    expect(await violations(at("drop-overlay"))).toEqual([]);
    backend.emit({ type: "drop", data: { phase: "drop", item: www, x: 900, y: 400 } });
    expect(app.overlay).toMatchObject({ kind: "compare", release: { build: 1287 }, item: { handle: "build-www" } });
  });

  it("takes nothing that is no web build", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    under("release-staging");
    backend.emit({ type: "drop", data: { phase: "enter", item: photo, x: 5, y: 5 } });
    expect((await screen.findByTestId("drop-overlay")).dataset["ok"]).toBe("false");
    backend.emit({ type: "drop", data: { phase: "drop", item: photo, x: 5, y: 5 } });
    expect(app.overlay).toBeNull();
  });

  it("beside the releases still ships", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    under(null);
    backend.emit({ type: "drop", data: { phase: "drop", item: www, x: 5, y: 5 } });
    expect(app.overlay).toMatchObject({ kind: "ship" });
  });
});
