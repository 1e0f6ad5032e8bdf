import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { SignPlan } from "../../lib/bindings/SignPlan";
import type { ShipHandlers } from "../../test/ship-fake";
import { signPlanData } from "../../test/ship-data";
import { jobs } from "../../lib/stores/jobs.svelte";
import ShipSheet from "./ShipSheet.svelte";
import { board, item, last, scripted, unit, workspace } from "./testing";

const SLOW = { timeout: 4000 };

function open(jobId: string | null = null) {
  const onclose = vi.fn();
  const onpromote = vi.fn();
  const props = { workspace, unit, board, item: jobId === null ? item : null, jobId, onclose, onpromote };
  const view = render(ShipSheet, props);
  return { onclose, onpromote, view, user: userEvent.setup() };
}

type User = ReturnType<typeof open>["user"];

async function allow(user: User): Promise<void> {
  await user.click(await screen.findByTestId("allow-secret-token", {}, SLOW));
  await user.type(screen.getByTestId("allow-reason-secret-token"), "Meant to be public{Enter}");
}

async function toSign(user: User): Promise<void> {
  await allow(user);
  await user.click(screen.getByTestId("ship-next"));
  await screen.findByTestId("sign-start", {}, SLOW);
}

it("inspects what was dropped and suggests version, build and the first channel", async () => {
  const sent = scripted();
  open();
  expect(await screen.findByTestId("ship-version", {}, SLOW)).toHaveProperty("value", "4.2.7");
  expect(screen.getByTestId("ship-build-number")).toHaveProperty("value", "1316");
  expect(screen.getByTestId("ship-channel")).toHaveProperty("value", "development");
  expect(last(sent, "inspect_start")).toEqual({
    workspace: "acme",
    unit: "main",
    handle: "picked-1",
    excludeSourceMaps: false,
  });
});

it("says that the channel is frozen, by whom and why, where it is chosen", async () => {
  scripted();
  const [first, ...others] = board.channels;
  const frozen = { ...board, channels: [{ ...first, frozen: "Frozen by Ines Abt: audit" }, ...others] } as typeof board;
  render(ShipSheet, { workspace, unit, board: frozen, item, jobId: null, onclose: vi.fn(), onpromote: vi.fn() });
  const select = await screen.findByTestId("ship-channel", {}, SLOW);
  expect(select.textContent).toContain("Development (frozen)");
  expect(screen.getByText("Frozen by Ines Abt: audit")).toBeTruthy();
  await userEvent.setup().selectOptions(select, "staging");
  expect(screen.queryByText("Frozen by Ines Abt: audit")).toBeNull();
});

it("stays closed with its reason until the error is allowed with a reason", async () => {
  const sent = scripted();
  const { user } = open();
  const next = await screen.findByTestId("ship-next", {}, SLOW);
  expect(next.getAttribute("aria-disabled")).toBe("true");
  expect(screen.getByTestId("ship-why").textContent).toContain("1 error to fix or to allow");
  await user.click(next);
  expect(last(sent, "ship_prepare")).toBeUndefined();

  await user.click(screen.getByTestId("allow-secret-token"));
  await user.click(screen.getByTestId("allow-confirm-secret-token"));
  expect(screen.queryByTestId("allowed-secret-token"), "an empty reason allows nothing").toBeNull();
  await user.type(screen.getByTestId("allow-reason-secret-token"), "Meant to be public");
  await user.click(screen.getByTestId("allow-confirm-secret-token"));
  expect(screen.getByTestId("allowed-secret-token").textContent).toContain("Allowed by you");
  expect(next.getAttribute("aria-disabled")).toBe("false");

  await user.click(screen.getByTestId("allow-undo-secret-token"));
  expect(next.getAttribute("aria-disabled")).toBe("true");
});

it("offers no way around an error that makes a broken bundle", async () => {
  scripted({ broken: true });
  open();
  await screen.findByTestId("finding-build-no_index", {}, SLOW);
  expect(screen.queryByTestId("allow-build-no_index")).toBeNull();
  expect(screen.getByTestId("ship-why").textContent).toContain("must be fixed in the web build");
});

it("an invalid version closes the next step and says why at the field", async () => {
  scripted();
  const { user } = open();
  await allow(user);
  const version = screen.getByTestId("ship-version");
  await user.clear(version);
  await user.type(version, "4.2");
  expect(version.getAttribute("aria-invalid")).toBe("true");
  expect(screen.getByTestId("ship-next").getAttribute("aria-disabled")).toBe("true");
  expect(screen.getByTestId("ship-why").textContent).toContain("Version");
});

it("excluding source maps inspects again and keeps the switch to take them in", async () => {
  const sent = scripted();
  const { user } = open();
  await user.click(await screen.findByTestId("exclude-source-maps", {}, SLOW));
  await screen.findByTestId("finding-maps-excluded", {}, SLOW);
  expect(last(sent, "inspect_start")?.excludeSourceMaps).toBe(true);
  expect(screen.getByTestId("exclude-source-maps").getAttribute("aria-checked")).toBe("true");
});

it("Esc in the reason closes the reason, the next Esc closes the sheet", async () => {
  scripted();
  const { user, onclose } = open();
  await user.click(await screen.findByTestId("allow-secret-token", {}, SLOW));
  await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("allow-reason-secret-token")));
  await user.keyboard("{Escape}");
  expect(screen.queryByTestId("allow-reason-secret-token")).toBeNull();
  expect(onclose).not.toHaveBeenCalled();
  await user.keyboard("{Escape}");
  expect(onclose).toHaveBeenCalledOnce();
});

it("signs what was shown, uploads, and ends with the receipt", async () => {
  const sent = scripted();
  const { user, onclose, onpromote } = open();
  await toSign(user);
  expect(last(sent, "ship_prepare")?.allow).toEqual([
    { code: "secret.token", path: "assets/env.js", reason: "Meant to be public" },
  ]);
  expect(screen.getByTestId("manifest-hash").children).toHaveLength(16);
  expect(screen.getByTestId("allowed-findings").textContent).toContain("‘Meant to be public’");
  await user.click(screen.getByTestId("sign-start"));
  expect(last(sent, "ship_start")).toEqual({ plan: "plan-development-1316", typed: null });

  const headline = await screen.findByTestId("receipt-headline", {}, SLOW);
  expect(headline.textContent).toBe("A device in development now gets 4.2.7, build 1316");
  expect(screen.getByTestId("same-bytes").dataset.equal).toBe("true");
  await user.click(screen.getByTestId("receipt-promote"));
  expect(onpromote).toHaveBeenCalledWith(expect.objectContaining({ from: "development", to: "staging" }));
  await user.click(screen.getByTestId("receipt-done"));
  expect(onclose).toHaveBeenCalledOnce();
});

it("asks for the channel's name where the plan asks for it, and sends what was typed", async () => {
  const sent = scripted();
  const { user } = open();
  await allow(user);
  await user.selectOptions(screen.getByTestId("ship-channel"), "production");
  await user.click(screen.getByTestId("ship-next"));
  const sign = await screen.findByTestId("sign-start", {}, SLOW);
  expect(sign.getAttribute("aria-disabled")).toBe("true");
  await user.click(sign);
  expect(last(sent, "ship_start")).toBeUndefined();
  await user.click(screen.getByTestId("typed-confirm"));
  await user.paste("production");
  await user.click(sign);
  expect(last(sent, "ship_start")?.typed).toBe("production");
});

it("derives the plan again when message or commit change, and cannot sign the old one meanwhile", async () => {
  const sent = scripted();
  const { user } = open();
  await toSign(user);
  const before = sent.filter((one) => one.name === "ship_prepare").length;
  await user.type(screen.getByTestId("sign-message"), "!");
  expect(screen.getByTestId("sign-start").getAttribute("aria-disabled")).toBe("true");
  await waitFor(() => expect(sent.filter((one) => one.name === "ship_prepare")).toHaveLength(before + 1), SLOW);
  await waitFor(() => expect(screen.getByTestId("sign-start").getAttribute("aria-disabled")).toBe("false"));
  expect(last(sent, "ship_prepare")?.message).toBe("Photo queue survives app restart!");
});

it("names no author unless the person turns that on", async () => {
  const sent = scripted();
  const { user } = open();
  await toSign(user);
  expect(last(sent, "ship_prepare")?.author).toBeNull();
  await user.click(screen.getByTestId("sign-author-switch"));
  expect(screen.getByTestId("sign-start").getAttribute("aria-disabled")).toBe("true");
  await user.type(screen.getByTestId("sign-author"), "Mara Lindqvist");
  await waitFor(() => expect(last(sent, "ship_prepare")?.author).toBe("Mara Lindqvist"), SLOW);
});

it("a late answer to an older question does not replace the newer plan", async () => {
  const answers: ((plan: SignPlan) => void)[] = [];
  const ship_prepare: ShipHandlers["ship_prepare"] = () => new Promise((done) => answers.push(done));
  scripted({}, { ship_prepare });
  const { user } = open();
  await allow(user);
  await user.click(screen.getByTestId("ship-next"));
  const wish = { version: "4.2.7", build: 1, channel: "development", native: "all", findings: [], permille: 1000 };
  answers[0]?.(signPlanData({ ...wish, build: 1 }, false));
  await user.type(await screen.findByTestId("sign-message", {}, SLOW), "a");
  await waitFor(() => expect(answers).toHaveLength(2), SLOW);
  await user.type(screen.getByTestId("sign-message"), "b");
  await waitFor(() => expect(answers).toHaveLength(3), SLOW);
  answers[2]?.(signPlanData({ ...wish, build: 3 }, false));
  answers[1]?.(signPlanData({ ...wish, build: 2 }, false));
  await waitFor(() => expect(screen.getByText("build 3", { selector: "dd span" })).toBeTruthy());
  expect(screen.queryByText("build 2", { selector: "dd span" })).toBeNull();
});

it("a missing key closes signing and shows the remedy with its code", async () => {
  scripted({ noKey: true });
  const { user } = open();
  await toSign(user);
  expect(screen.getByTestId("sign-start").getAttribute("aria-disabled")).toBe("true");
  expect(screen.getByTestId("sign-problem").textContent).toContain("Import the key");
  expect(screen.getByTestId("sign-problem-code").textContent).toBe("key.not_in_keychain");
});

it("an upload that failed says so and goes on from where it was", async () => {
  const sent = scripted({ fail: true });
  const { user } = open();
  await toSign(user);
  await user.click(screen.getByTestId("sign-start"));
  expect((await screen.findByTestId("error-code", {}, SLOW)).textContent).toBe("publish.version_conflict");
  await user.click(screen.getByTestId("error-action"));
  expect(last(sent, "job_resume")).toEqual({ job: "job-2" });
  await screen.findByTestId("receipt", {}, SLOW);
});

it("cancelling asks first, then says what stays", async () => {
  const sent = scripted({ hold: true });
  const { user } = open();
  await toSign(user);
  await user.click(screen.getByTestId("sign-start"));
  await user.click(await screen.findByTestId("upload-cancel", {}, SLOW));
  await user.click(await screen.findByTestId("upload-cancel-keep"));
  expect(last(sent, "job_cancel")).toBeUndefined();
  await user.click(screen.getByTestId("upload-cancel"));
  await user.click(await screen.findByTestId("upload-cancel-confirm"));
  await screen.findByTestId("job-cancelled", {}, SLOW);
  expect(screen.queryByTestId("upload-cancel")).toBeNull();
});

it("closing while bytes move stops nothing, and the job opens again at its step", async () => {
  const sent = scripted({ hold: true });
  const first = open();
  await toSign(first.user);
  await first.user.click(screen.getByTestId("sign-start"));
  await screen.findByTestId("transfer", {}, SLOW);
  expect(screen.getByTestId("ship-why").textContent).toContain(
    "You can close Headgate. The upload resumes after restart.",
  );
  await first.user.keyboard("{Escape}");
  expect(first.onclose).toHaveBeenCalledOnce();
  expect(last(sent, "job_cancel")).toBeUndefined();
  first.view.unmount();

  const id = jobs.list[0]?.id ?? "";
  open(id);
  expect((await screen.findByTestId("transfer", {}, SLOW)).dataset.state).toBe("running");
});

it("tells a screen reader 25, 50, 75 and 100 percent only", async () => {
  scripted({ tick: 15 });
  const { user } = open();
  await toSign(user);
  const said = new Set<string>();
  const watch = new MutationObserver(() => {
    const text = document.querySelector("[data-testid=progress-announced]")?.textContent;
    if (text) said.add(text.trim());
  });
  watch.observe(document.body, { childList: true, subtree: true, characterData: true });
  await user.click(screen.getByTestId("sign-start"));
  await screen.findByTestId("receipt", {}, SLOW);
  watch.disconnect();
  expect([...said]).toEqual([25, 50, 75, 100].map((step) => `Upload: ${String(step)} percent`));
});

it("asks for the signatures of others where the plan lacks nothing else", async () => {
  const wish = { channel: "production", version: "4.2.7", build: 1316, permille: 10, native: "all", findings: [] };
  const keys = [
    { id: "5d21c3f0", name: "Ines backup 2026", holder: "Ines Caro", own: false, signed: false, arrived: null },
  ];
  const lacking: SignPlan = {
    ...signPlanData(wish, false),
    canAsk: true,
    missing: [{ role: "main.production", need: 2, have: 1, keys }],
  };
  const refused = { ...signPlanData(wish, true).problem, code: "signing.alarm" };
  const sent = scripted(
    {},
    { ship_prepare: () => Promise.resolve(lacking), approval_ask: () => Promise.reject(refused) },
  );
  const { user } = open();
  await toSign(user);
  expect(screen.getByTestId("ship-why").textContent).toContain("Needs 1 more signature");
  expect(screen.queryByTestId("typed-confirm")).toBeNull();
  await user.click(screen.getByTestId("sign-start"));
  expect(last(sent, "ship_start")).toBeUndefined();
  await user.click(screen.getByTestId("sign-ask"));
  await user.type(await screen.findByTestId("ask-reason"), "Fixes sign-in{Enter}");
  expect(last(sent, "approval_ask")?.reason).toBe("Fixes sign-in");
  expect((await screen.findByTestId("error-code")).textContent).toBe("signing.alarm");
});
