import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { FakeBackend } from "../../lib/backend/fake";
import type { Job } from "../../lib/bindings/Job";
import { app } from "../../lib/stores/app.svelte";
import { jobs } from "../../lib/stores/jobs.svelte";
import { violations } from "../../test/axe";
import { open } from "../../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const undone = (backend: FakeBackend): unknown[] =>
  backend.calls.filter((call) => call.name === "job_cancel").map((call) => call.request);

/** The window with a promotion that was confirmed and can still be undone. */
async function waiting(): Promise<{ backend: FakeBackend; job: Job }> {
  const { backend } = await open("pipeline");
  await screen.findByTestId("board");
  const job: Job = {
    id: "w",
    kind: "promote",
    workspace: "acme",
    unit: "main",
    title: "Promote 4.2.6 to production",
    state: "running",
    phase: "wait",
    bytesDone: 0,
    bytesTotal: 0,
    speed: 0,
    targets: [],
    objects: [],
    objectsTotal: 0,
    objectsDone: 0,
    skippedObjects: 0,
    skippedBytes: 0,
    started: "2026-07-19T14:03:00Z",
    finished: null,
    error: null,
    receipt: null,
    undo: 4,
    handle: null,
    channel: "production",
  };
  backend.jobs = [job];
  app.handle({ type: "job", data: job });
  await screen.findByTestId("undo-bar-w");
  return { backend, job };
}

describe("the undo bar", () => {
  it("is there in every view while a job can be undone, counts down, and goes with it", async () => {
    const { job } = await waiting();
    expect(at("undo-bars").getAttribute("role")).toBe("status");
    expect(at("undo-bar-w").textContent).toContain("Promote 4.2.6 to production");
    expect(at("undo-left-w").textContent).toBe("in 4 s");
    for (const view of ["rollouts", "keys", "requests"] as const) {
      app.view = view;
      await waitFor(() => expect(screen.queryByTestId("board")).toBeNull());
      expect(at("undo-bar-w")).toBeTruthy();
    }
    app.handle({ type: "job", data: { ...job, undo: 3 } });
    await waitFor(() => expect(at("undo-left-w").textContent).toBe("in 3 s"));
    app.handle({ type: "job", data: { ...job, phase: "sign", undo: null } });
    await waitFor(() => expect(screen.queryByTestId("undo-bar-w")).toBeNull());
  });

  it("undoes by its button, which the keyboard reaches", async () => {
    const { backend } = await waiting();
    at("undo-bar-go-w").focus();
    expect(document.activeElement).toBe(at("undo-bar-go-w"));
    await userEvent.keyboard("{Enter}");
    expect(undone(backend)).toEqual([{ job: "w" }]);
  });

  it("undoes by its keys wherever no text is typed, also under a sheet", async () => {
    const { backend } = await waiting();
    app.askAddress();
    const field = await screen.findByTestId("address-url");
    field.focus();
    await userEvent.keyboard("{Control>}z{/Control}");
    expect(undone(backend)).toHaveLength(0);
    field.blur();
    await userEvent.keyboard("{Control>}z{/Control}");
    expect(undone(backend)).toEqual([{ job: "w" }]);
  });

  it("says what is read aloud once, without the seconds", async () => {
    await waiting();
    expect(at("undo-left-w").getAttribute("aria-hidden")).toBe("true");
    expect(await violations(at("undo-bars"))).toEqual([]);
  });

  it("is empty while nothing can be undone", async () => {
    await open("pipeline");
    await screen.findByTestId("board");
    expect(at("undo-bars").textContent).toBe("");
    expect(jobs.list.some((job) => job.phase === "wait")).toBe(false);
    await userEvent.keyboard("{Control>}z{/Control}");
  });
});
