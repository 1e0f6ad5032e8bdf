import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { photo, www } from "../lib/backend/fake/ship";
import { offline } from "../lib/backend/fake/data";
import { app } from "../lib/stores/app.svelte";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);

describe("the pipeline", () => {
  it("shows what each channel serves, with the share of its rollout", async () => {
    await open("pipeline");
    expect((await screen.findByTestId("version-development")).textContent).toBe("4.2.6");
    expect(at("percent-production").textContent).toBe("25\u00a0%");
    expect(at("rollout-production").textContent).toContain("Rolling out");
    expect(at("channel-production").textContent).toContain("Others get 4.2.3, build 1294");
    expect(at("no-devices").textContent).toContain("No update server connected");
  });

  it("paints the cache first, then reads storage", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    await waitFor(() => expect(backend.calls.map((call) => call.name)).toContain("sync"));
    const names = backend.calls.map((call) => call.name);
    expect(names.indexOf("board")).toBeLessThan(names.indexOf("sync"));
  });

  it("has one tab stop on the board, moved by the arrow keys", async () => {
    const user = userEvent.setup();
    await open("pipeline");
    const board = await screen.findByTestId("board");
    const stops = (): (string | undefined)[] =>
      [...board.querySelectorAll<HTMLElement>("[data-place][tabindex='0']")].map((cell) => cell.dataset["testid"]);
    expect(stops()).toEqual(["release-development"]);
    at("release-development").focus();
    await user.keyboard("{ArrowRight}{ArrowDown}");
    expect(stops()).toEqual(["previous-staging-1301"]);
    expect(document.activeElement).toBe(at("previous-staging-1301"));
  });

  it("promotes the selected release with P", async () => {
    const user = userEvent.setup();
    await open("pipeline");
    await screen.findByTestId("board");
    at("release-development").focus();
    await user.keyboard("p");
    expect(app.overlay).toMatchObject({ kind: "promote", gate: { from: "development", to: "staging", build: 1312 } });
  });

  it("does not promote an earlier release or anything from the last channel with P", async () => {
    const user = userEvent.setup();
    await open("pipeline");
    await screen.findByTestId("board");
    at("previous-development-1308").focus();
    await user.keyboard("p");
    expect(app.overlay).toBeNull();
    at("release-production").focus();
    await user.keyboard("p");
    expect(app.overlay).toBeNull();
    expect((await screen.findByTestId("toast-text")).textContent).toContain("last channel");
  });

  it("says the reason of a gate that cannot be opened", async () => {
    const user = userEvent.setup();
    await open("empty");
    const gate = await screen.findByTestId("gate-development-staging");
    expect(gate.getAttribute("aria-disabled")).toBe("true");
    await user.click(gate);
    expect(app.overlay).toBeNull();
    expect((await screen.findByTestId("toast-text")).textContent).toContain("Nothing is released to development");
  });

  it("offers the one action in an empty pipeline", async () => {
    await open("empty");
    expect(await screen.findByTestId("ship-build-empty")).toBeTruthy();
    expect(at("empty-staging").textContent).toContain("Devices run the embedded build");
    expect(document.querySelectorAll(".btn--primary").length).toBe(1);
  });

  it("keeps everything readable offline, with its age, and blocks what needs storage", async () => {
    const { backend } = await open("offline");
    expect((await screen.findByTestId("offline-banner")).textContent).toMatch(/As of \d\d:\d\d, cached\./);
    expect(at("sync-state").dataset["state"]).toBe("offline");
    expect(at("gate-state-development-staging").dataset["state"]).toBe("blocked");
    const board = backend.boards.get("acme");
    if (board) backend.boards.set("acme", { ...board, offline: null });
    await userEvent.click(at("sync-retry"));
    await waitFor(() => expect(screen.queryByTestId("offline-banner")).toBeNull());
  });

  it("warns of signatures that end, and signs freshness again", async () => {
    await open("validity");
    const banner = await screen.findByTestId("validity-freshness");
    expect(banner.dataset["level"]).toBe("late");
    expect(at("validity-production").dataset["level"]).toBe("half");
    await userEvent.click(at("freshness-refresh"));
    await waitFor(() => expect(screen.queryByTestId("validity-freshness")).toBeNull());
    expect((await screen.findByTestId("toast-title")).textContent).toBe("Freshness is signed again");
  });

  it("shows an error with its code and what still holds", async () => {
    const { backend } = await open("error");
    expect((await screen.findByTestId("error-code")).textContent).toBe("trust.other_workspace");
    expect(at("error-holds").textContent).toContain("nothing was written");
    backend.heal("board");
    await userEvent.click(at("error-action"));
    expect(await screen.findByTestId("board")).toBeTruthy();
  });

  it("shows a failed reading of storage although the cache is fine", async () => {
    await open("pipeline", (backend) => backend.fail("sync", offline));
    expect((await screen.findByTestId("board")).textContent).toContain("4.2.6");
    await userEvent.click(at("sync"));
    expect((await screen.findByTestId("toast-title")).textContent).toContain("No connection to storage");
  });
});

describe("a drop from the file manager", () => {
  it("names the app and opens the ship sheet", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    backend.emit({ type: "drop", data: { phase: "enter", item: www, x: null, y: null } });
    expect((await screen.findByTestId("drop-overlay")).textContent).toContain(
      "Drop to inspect ‘www’ for com.acme.field",
    );
    backend.emit({ type: "drop", data: { phase: "drop", item: www, x: null, y: null } });
    await waitFor(() => expect(screen.queryByTestId("drop-overlay")).toBeNull());
    expect(app.overlay).toMatchObject({ kind: "ship", item: { handle: "build-www" } });
  });

  it("says why something else is not taken", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    backend.emit({ type: "drop", data: { phase: "enter", item: photo, x: null, y: null } });
    expect((await screen.findByTestId("drop-overlay")).dataset["ok"]).toBe("false");
    backend.emit({ type: "drop", data: { phase: "drop", item: photo, x: null, y: null } });
    expect((await screen.findByTestId("toast-text")).textContent).toBe(photo.says);
    expect(app.overlay).toBeNull();
  });

  it("can be hidden with Escape and goes away when the drag leaves", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    backend.emit({ type: "drop", data: { phase: "enter", item: www, x: null, y: null } });
    await screen.findByTestId("drop-overlay");
    await userEvent.keyboard("{Escape}");
    expect(screen.queryByTestId("drop-overlay")).toBeNull();
    backend.emit({ type: "drop", data: { phase: "enter", item: www, x: null, y: null } });
    await screen.findByTestId("drop-overlay");
    backend.emit({ type: "drop", data: { phase: "leave", item: null, x: null, y: null } });
    await waitFor(() => expect(screen.queryByTestId("drop-overlay")).toBeNull());
  });
});

describe("ship a build", () => {
  it("opens the native dialog from the menu", async () => {
    const user = userEvent.setup();
    const { backend } = await open("pipeline");
    await user.click(await screen.findByTestId("ship-build"));
    await user.click(await screen.findByTestId("ship-zip"));
    await waitFor(() => expect(backend.calls).toContainEqual({ name: "build_choose", request: { kind: "zip" } }));
    expect(app.overlay).toMatchObject({ kind: "ship" });
  });

  it("has the sample build in the sandbox only", async () => {
    const user = userEvent.setup();
    await open("pipeline");
    await user.click(await screen.findByTestId("ship-build"));
    await screen.findByTestId("ship-folder");
    expect(screen.queryByTestId("ship-sample")).toBeNull();
  });

  it("starts with Ctrl O from everywhere", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    await userEvent.keyboard("{Control>}o{/Control}");
    await waitFor(() => expect(backend.calls).toContainEqual({ name: "build_choose", request: { kind: "folder" } }));
  });
});

describe("the window", () => {
  it("asks before it quits while a job runs", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    const { job } = await backend.invoke("freshness_refresh", { workspace: "acme" });
    const running = await backend.invoke("job", { job });
    backend.emit({ type: "quit_asked", data: { jobs: [running] } });
    await screen.findByTestId("quit-dialog");
    await userEvent.click(at("quit-confirm"));
    expect(backend.calls.map((call) => call.name)).toContain("quit");
  });

  it("lists the keys of the one table", async () => {
    await open("pipeline");
    await screen.findByTestId("board");
    at("release-development").focus();
    await userEvent.keyboard("?");
    expect((await screen.findByTestId("shortcuts-sheet")).textContent).toContain("Promote the selected release…");
  });

  it("gives focus back to where it was when a sheet closes", async () => {
    await open("pipeline");
    await screen.findByTestId("board");
    at("release-staging").focus();
    await userEvent.keyboard("?");
    await userEvent.click(await screen.findByTestId("shortcuts-close"));
    await waitFor(() => expect(document.activeElement).toBe(at("release-staging")));
  });

  it("goes through the themes and remembers the choice", async () => {
    const { backend } = await open("pipeline");
    const button = await screen.findByTestId("theme");
    await userEvent.click(button);
    expect(document.documentElement.dataset["theme"]).toBe("light");
    await userEvent.click(button);
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    expect(backend.theme).toBe("dark");
  });

  it("says when the engine does not answer", async () => {
    await open("pipeline", (backend) => backend.fail("app_state", offline));
    expect((await screen.findByTestId("error-code")).textContent).toBe("storage.missing");
  });

  it("has no style attribute in its markup, which the content policy would refuse", async () => {
    const sources = import.meta.glob("../**/*.svelte", { query: "?raw", import: "default", eager: true });
    const wrong = Object.entries(sources).filter(([, text]) => /\sstyle=["{]/.test(String(text)));
    expect(wrong.map(([file]) => file)).toEqual([]);
    expect(Object.keys(sources).length).toBeGreaterThan(20);
  });
});
