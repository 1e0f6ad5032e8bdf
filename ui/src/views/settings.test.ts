import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { placeOf } from "../components/settings/words";
import { unreadable } from "../lib/backend/fake/data";
import type { FakeBackend, Scenario } from "../lib/backend/fake";
import { app } from "../lib/stores/app.svelte";
import { letters } from "../lib/stores/letters.svelte";
import { theme } from "../lib/stores/theme.svelte";
import { violations } from "../test/axe";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const sent = (backend: FakeBackend, name: string): unknown =>
  backend.calls.filter((call) => call.name === name).at(-1)?.request;

async function settings(scenario: Scenario): Promise<FakeBackend> {
  const { backend } = await open(scenario);
  await userEvent.click(await screen.findByTestId("nav-settings"));
  await screen.findByTestId("settings-storage-place");
  return backend;
}

describe("settings", () => {
  it("adds a mirror in a bucket with its credentials, brings it up to date and removes it once that is meant", async () => {
    const backend = await settings("uploading");
    await userEvent.click(at("mirror-open"));
    await userEvent.click(await screen.findByTestId("mirror-add"));
    expect(at("mirror-address").getAttribute("aria-invalid"), "an empty address is named").toBe("true");
    await userEvent.type(at("mirror-address"), "s3://second/field?region=eu-west-1");
    await userEvent.type(await screen.findByTestId("access-key-id"), "HG7KQ2MX4TNA");
    await userEvent.type(at("secret-access-key"), "s3cr3t{Enter}");
    await waitFor(() => expect(screen.queryByTestId("mirror-dialog")).toBeNull());
    const address = "s3://second/field?region=eu-west-1";
    expect(sent(backend, "mirror_add")).toEqual({
      workspace: "acme",
      storage: address,
      credentials: { accessKeyId: "HG7KQ2MX4TNA", secretAccessKey: "s3cr3t", sessionToken: null },
    });
    expect((await screen.findByTestId("mirror")).textContent).toContain("Amazon S3, eu-west-1 · second / field/");
    await userEvent.click(at("mirror-credentials"));
    expect((await screen.findByTestId("credentials-dialog")).textContent).toContain(address);
    await userEvent.click(at("credentials-cancel"));
    await userEvent.click(at("mirror-sync"));
    expect(sent(backend, "mirror_sync")).toEqual({ workspace: "acme", address });
    await userEvent.click(at("mirror-remove"));
    expect(document.activeElement, "the harmless one").toBe(at("mirror-keep"));
    await userEvent.keyboard("{Enter}");
    expect(sent(backend, "mirror_remove")).toBeUndefined();
    expect(document.activeElement).toBe(at("mirror-remove"));
    await userEvent.click(at("mirror-remove"));
    await userEvent.click(at("mirror-remove-go"));
    await screen.findByTestId("no-mirrors");
    expect(document.body.textContent).not.toContain("s3cr3t");
  });

  it("shows what a change of what releases put there would sign, before it is signed", async () => {
    const backend = await settings("pipeline");
    expect(at("settings-delivers").textContent).toContain("Their zip");
    await userEvent.click(at("settings-deliver"));
    const sheet = await screen.findByTestId("deliver-sheet");
    expect(at("deliver-why").textContent).toContain("Needs another choice");
    await userEvent.click(at("deliver-both"));
    expect(sent(backend, "deliver_prepare")).toEqual({ workspace: "acme", delivers: { zip: true, files: true } });
    expect((await screen.findByTestId("role-table")).textContent).toContain("targets");
    document.querySelector(".under")?.remove();
    expect(await violations(sheet)).toEqual([]);
    await userEvent.click(at("deliver-confirm"));
    expect(sent(backend, "settings_start")).toEqual({ plan: "deliver", typed: null });
    expect((await screen.findByTestId("deliver-done")).textContent).toContain("both");
  });

  it("reviews what a channel's settings become, says what protects less, and signs once its name is typed", async () => {
    const backend = await settings("pipeline");
    const row = at("settings-channel-production");
    expect(row.textContent).toContain("Type its name");
    await userEvent.click(at("channel-edit-production"));
    await screen.findByTestId("channel-sheet");
    expect(at("channel-why").textContent).toContain("Nothing is changed yet");
    await userEvent.clear(at("channel-start"));
    await userEvent.type(at("channel-start"), "0");
    await userEvent.click(at("channel-review"));
    expect(at("channel-start").getAttribute("aria-invalid")).toBe("true");
    await userEvent.clear(at("channel-start"));
    await userEvent.type(at("channel-start"), "2.5{Enter}");
    await screen.findByTestId("role-table");
    expect(sent(backend, "channel_prepare")).toEqual({
      workspace: "acme",
      channel: "production",
      confirm: null,
      startPermille: 25,
      minHours: null,
      gate: null,
    });
    expect(at("channel-lines").textContent).toContain("First share");
    expect(at("channel-weaker").textContent).toContain("Production is protected less");
    expect(at("channel-confirm").getAttribute("aria-disabled")).toBe("true");
    await userEvent.type(at("typed-confirm"), "production");
    await userEvent.click(at("channel-confirm"));
    expect(sent(backend, "settings_start")).toEqual({ plan: "channel", typed: "production" });
    await screen.findByTestId("channel-done");
    await waitFor(() => expect(at("settings-channel-production").textContent).toContain("2.5\u00a0%"));
  });

  it("keeps the accessibility rules in the form and in the review", async () => {
    await settings("pipeline");
    await userEvent.click(at("channel-edit-production"));
    const sheet = await screen.findByTestId("channel-sheet");
    document.querySelector(".under")?.remove();
    expect(await violations(sheet)).toEqual([]);
    await userEvent.click(at("channel-gated"));
    await userEvent.click(at("channel-review"));
    await screen.findByTestId("typed-confirm");
    expect(at("channel-lines").textContent).toContain("No gate stops them");
    expect(await violations(sheet)).toEqual([]);
  });

  it("turns single letters off, everywhere that they are shown", async () => {
    const backend = await settings("pipeline");
    expect(screen.getByText(/^P, H, B, C on the board; R, \? on every page/u)).toBeTruthy();
    await userEvent.click(at("settings-letters"));
    expect(sent(backend, "set_letters")).toEqual({ on: false });
    await userEvent.click(at("nav-pipeline"));
    at("release-production").focus();
    await userEvent.keyboard("h");
    expect(app.overlay).toBeNull();
    expect(at("key-sync").querySelector("kbd")).toBeNull();
    await userEvent.keyboard("{ArrowLeft}");
    expect(document.activeElement).toBe(at("release-staging"));
    await userEvent.click(at("key-shortcuts"));
    expect((await screen.findByTestId("shortcuts-sheet")).textContent).toContain("Off in Settings");
    letters.on = true;
  });

  it("freezes a channel from there, and says which are frozen", async () => {
    await settings("server");
    await userEvent.click(at("channel-freeze-production"));
    await userEvent.type(await screen.findByTestId("change-reason"), "Audit");
    await userEvent.click(at("change-start"));
    await userEvent.click(await screen.findByTestId("receipt-done"));
    expect((await screen.findByTestId("settings-frozen-production")).textContent).toContain(
      "Frozen by Ines Abt: Audit",
    );
    expect(at("channel-unfreeze-production")).toBeTruthy();
  });

  it("gives up uploads that nobody ended, in a bucket alone", async () => {
    const backend = await settings("uploading");
    await userEvent.click(at("settings-sweep"));
    expect(sent(backend, "uploads_sweep")).toEqual({ workspace: "acme", days: 7 });
    expect(await screen.findByText("1 upload given up")).toBeTruthy();
  });

  it("has what belongs to the workspace, and the theme of this computer", async () => {
    const backend = await settings("pipeline");
    expect(screen.queryByTestId("settings-sweep"), "a folder has no uploads in parts").toBeNull();
    await userEvent.click(at("theme-dark"));
    expect(theme.choice).toBe("dark");
    expect(sent(backend, "set_theme")).toEqual({ theme: "dark" });
    await userEvent.click(at("theme-system"));
    await userEvent.click(at("settings-refresh"));
    expect(sent(backend, "freshness_refresh")).toEqual({ workspace: "acme" });
    expect(at("settings-owners").textContent).toMatch(/\d of \d owners?, valid until/);
    await userEvent.click(at("settings-test"));
    await screen.findByTestId("storage-check-result");
    await userEvent.click(at("storage-check-close"));
    expect(at("settings-tested").textContent).toMatch(/Tested: \d of \d passed/);
  });

  it("goes to a section, and the keyboard goes on from there", async () => {
    await settings("uploading");
    at("settings-go-mirrors").focus();
    await userEvent.keyboard("{Enter}{Tab}");
    expect(document.activeElement).toBe(at("mirror-open"));
  });

  it("says why settings cannot be shown, and asks again", async () => {
    const { backend } = await open("pipeline");
    backend.fail("storage_settings", { ...unreadable, message: "The cache is damaged.", retryable: true });
    await userEvent.click(await screen.findByTestId("nav-settings"));
    expect((await screen.findByTestId("error-panel")).textContent).toContain("The cache is damaged.");
    backend.heal("storage_settings");
    await userEvent.click(at("error-action"));
    await screen.findByTestId("settings-storage-place");
  });
});

describe("a storage address", () => {
  it.each([
    ["file:///srv/my%20ota", "/srv/my ota"],
    ["s3://b/p?endpoint=https://s3.acme.example:9000&region=x", "s3.acme.example:9000 · b / p/"],
    ["s3://b?region=eu-north-1", "Amazon S3, eu-north-1 · b"],
    ["s3://b/", "Amazon S3 · b"],
    ["s3://b/p?endpoint=nonsense", "Amazon S3 · b / p/"],
    ["file:///srv/%E0%A4%A", "file:///srv/%E0%A4%A"],
    ["no address", "no address"],
  ])("%s reads %s", (address, words) => {
    expect(placeOf(address)).toBe(words);
  });
});
