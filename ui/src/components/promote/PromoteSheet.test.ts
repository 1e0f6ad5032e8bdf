import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { Job } from "../../lib/bindings/Job";
import { app } from "../../lib/stores/app.svelte";
import { jobs } from "../../lib/stores/jobs.svelte";
import { promotePlanData } from "../../test/ship-data";
import { board, gate, last, scripted, unit, workspace } from "../ship/testing";
import PromoteSheet from "./PromoteSheet.svelte";

const SLOW = { timeout: 4000 };

function open() {
  const onclose = vi.fn();
  render(PromoteSheet, { workspace, unit, board, gate, onclose });
  return { onclose, user: userEvent.setup() };
}

it("shows that both channels would serve the same bytes", async () => {
  const sent = scripted();
  open();
  expect((await screen.findByTestId("same-bytes", {}, SLOW)).dataset.equal).toBe("true");
  expect(last(sent, "promote_prepare")).toEqual({
    workspace: "acme",
    unit: "main",
    build: 1308,
    from: "staging",
    to: "production",
    permille: null,
  });
});

it("stays closed until the channel's name is typed", async () => {
  const sent = scripted();
  const { user } = open();
  const typed = await screen.findByTestId("typed-confirm", {}, SLOW);
  expect(document.activeElement).toBe(typed);
  await user.type(typed, "product{Enter}");
  const start = screen.getByTestId("promote-start");
  expect(start.getAttribute("aria-disabled")).toBe("true");
  expect(screen.getByTestId("promote-why").textContent).toContain("the channel's name");
  await user.click(start);
  expect(last(sent, "promote_start")).toBeUndefined();
  await user.type(typed, "ion");
  await user.click(start);
  expect(last(sent, "promote_start")?.typed).toBe("production");
  await screen.findByTestId("receipt", {}, SLOW);
});

it("never promotes bytes that differ", async () => {
  const sent = scripted({ differ: true });
  const { user } = open();
  await user.type(await screen.findByTestId("typed-confirm", {}, SLOW), "production");
  expect(screen.getByTestId("same-bytes").dataset.equal).toBe("false");
  await user.click(screen.getByTestId("promote-start"));
  expect(screen.getByTestId("promote-why").textContent).toContain("not the same");
  expect(last(sent, "promote_start")).toBeUndefined();
});

it("another start share derives the plan again", async () => {
  const sent = scripted();
  const { user } = open();
  await user.selectOptions(await screen.findByTestId("promote-share", {}, SLOW), "250");
  expect(last(sent, "promote_prepare")?.permille).toBe(250);
  await waitFor(() => expect(screen.getByTestId("promote-to").textContent).toContain("Starts at 25"));
});

it("a refusal is shown with its code, and nothing was promoted", async () => {
  const refused = {
    code: "promote.not_approved",
    message: "Build 1308 is not approved on staging.",
    holds: "Nothing was changed.",
    remedy: "Release it to staging first.",
    detail: null,
    retryable: false,
    field: null,
  };
  scripted({}, { promote_prepare: () => Promise.reject(refused) });
  open();
  expect((await screen.findByTestId("error-code", {}, SLOW)).textContent).toBe("promote.not_approved");
  expect(screen.getByTestId("promote-start").getAttribute("aria-disabled")).toBe("true");
});

const signer = (id: string, name: string, own: boolean) => ({
  id,
  name,
  holder: "Ines Caro",
  own,
  signed: false,
  arrived: null,
});

/** A plan that lacks one signature of somebody else. */
function lacks(own: boolean): Parameters<typeof scripted>[1] {
  const keys = [signer("5d21c3f0", "Ines backup 2026", false)];
  if (own) keys.unshift(signer("86e0396b", "Acme release 2026", true));
  return {
    promote_prepare: () =>
      Promise.resolve({
        ...promotePlanData("staging", "production", 1308, 10, "2026-07-16T14:02:00Z", false),
        canAsk: true,
        missing: [{ role: "main.production", need: 2, have: own ? 1 : 0, keys }],
      }),
    approval_ask: () => Promise.resolve({ job: "job-ask", id: "a1" }),
    job: () => Promise.resolve(askJob("running")),
  };
}

function askJob(state: string): Job {
  return {
    id: "job-ask",
    kind: "promote",
    workspace: "acme",
    unit: "main",
    title: "Ask for signatures",
    state,
    phase: state === "done" ? "done" : "sign",
    bytesDone: 0,
    bytesTotal: 0,
    speed: 0,
    targets: [],
    objects: [],
    objectsTotal: 0,
    objectsDone: 0,
    skippedObjects: 0,
    skippedBytes: 0,
    started: "2026-07-16T14:02:00Z",
    finished: null,
    error: null,
    receipt: null,
    undo: null,
    handle: null,
    channel: "production",
  };
}

it("asks for the signatures that are missing, and never promotes without them", async () => {
  const sent = scripted({}, lacks(true));
  const { user } = open();
  const panel = await screen.findByTestId("missing-main.production", {}, SLOW);
  expect(panel.textContent).toContain("1 of 2 from here");
  expect(screen.getByTestId("signer-5d21c3f0").textContent).toContain("Pending");
  expect(screen.queryByTestId("not-mine")).toBeNull();
  expect(screen.queryByTestId("typed-confirm")).toBeNull();
  expect(screen.getByTestId("promote-why").textContent).toContain("Needs 1 more signature");
  await user.click(screen.getByTestId("promote-start"));
  expect(last(sent, "promote_start")).toBeUndefined();
  await user.click(screen.getByTestId("promote-ask"));
  await user.type(await screen.findByTestId("ask-reason"), "Stable on staging{Enter}");
  expect(last(sent, "approval_ask")?.reason).toBe("Stable on staging");
  await waitFor(() => expect(jobs.get("job-ask")).toBeDefined());
  jobs.apply(askJob("done"));
  await waitFor(() => expect(app.requestId).toBe("a1"));
  expect(app.view).toBe("request");
});

it("says whose keys count before a person without one tries", async () => {
  scripted({}, lacks(false));
  open();
  const why = await screen.findByTestId("not-mine", {}, SLOW);
  expect(why.textContent).toContain("may not approve production. Approvers: Ines backup 2026 (Ines Caro).");
});

it("can be undone while it waits", async () => {
  const sent = scripted({}, { ...lacks(true), job_cancel: () => Promise.resolve({}) });
  jobs.apply({ ...askJob("running"), phase: "wait" });
  render(PromoteSheet, { workspace, unit, board, gate, jobId: "job-ask", onclose: vi.fn() });
  expect((await screen.findByTestId("job-undoable")).textContent).toContain("Can be undone for 5 s");
  expect(screen.queryByTestId("upload-cancel")).toBeNull();
  await userEvent.click(screen.getByTestId("job-undo"));
  expect(last(sent, "job_cancel")).toEqual({ job: "job-ask" });
});
