import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { target } from "../../lib/backend/fake/upload";
import { CONFLICT } from "../../test/ship-data";
import type { Job } from "../../lib/bindings/Job";
import { jobs } from "../../lib/stores/jobs.svelte";
import { last, scripted } from "../ship/testing";
import JobsButton from "./JobsButton.svelte";

function job(part: Partial<Job>): Job {
  return {
    id: "a",
    kind: "ship",
    workspace: "acme",
    unit: "main",
    title: "Ship 4.2.7 to development",
    state: "running",
    phase: "upload",
    bytesDone: 30,
    bytesTotal: 100,
    speed: 10,
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
    undo: null,
    handle: null,
    channel: "development",
    ...part,
  };
}

it("counts what runs and what needs a person", async () => {
  scripted();
  jobs.set([job({}), job({ id: "b", state: "failed", error: CONFLICT }), job({ id: "c", state: "done" })]);
  render(JobsButton, { onopen: vi.fn() });
  const button = screen.getByTestId("jobs-button");
  expect(button.getAttribute("aria-label")).toBe("2 jobs, 1 job running, 1 job needs you");
  await userEvent.click(button);
  expect((await screen.findByTestId("job-a")).textContent).toContain("Uploading");
  expect(screen.getByTestId("job-b").textContent).toContain(CONFLICT.message);
});

it("offers each job only what its state allows", async () => {
  scripted();
  jobs.set([job({}), job({ id: "b", state: "failed" }), job({ id: "c", state: "done", phase: "done" })]);
  render(JobsButton, { onopen: vi.fn() });
  await userEvent.click(screen.getByTestId("jobs-button"));
  await screen.findByTestId("job-cancel-a");
  expect(screen.queryByTestId("job-dismiss-a")).toBeNull();
  expect(screen.queryByTestId("job-resume-a")).toBeNull();
  expect(screen.getByTestId("job-resume-b")).toBeTruthy();
  expect(screen.queryByTestId("job-cancel-c")).toBeNull();
  expect(screen.getByTestId("job-dismiss-c")).toBeTruthy();
});

it("opens the job and closes itself", async () => {
  scripted();
  const onopen = vi.fn();
  jobs.set([job({})]);
  render(JobsButton, { onopen });
  await userEvent.click(screen.getByTestId("jobs-button"));
  await userEvent.click(await screen.findByTestId("job-open-a"));
  expect(onopen).toHaveBeenCalledWith(expect.objectContaining({ id: "a" }));
  await waitFor(() => expect(screen.queryByTestId("jobs-popover")).toBeNull());
});

it("cancels only after the question", async () => {
  const sent = scripted();
  jobs.set([job({})]);
  render(JobsButton, { onopen: vi.fn() });
  await userEvent.click(screen.getByTestId("jobs-button"));
  await userEvent.click(await screen.findByTestId("job-cancel-a"));
  expect(last(sent, "job_cancel")).toBeUndefined();
  await userEvent.click(await screen.findByTestId("upload-cancel-confirm"));
  expect(last(sent, "job_cancel")).toEqual({ job: "a" });
});

it("tells a refusal in the list", async () => {
  scripted({}, { job_resume: () => Promise.reject(CONFLICT) });
  jobs.set([job({ state: "failed" })]);
  render(JobsButton, { onopen: vi.fn() });
  await userEvent.click(screen.getByTestId("jobs-button"));
  await userEvent.click(await screen.findByTestId("job-resume-a"));
  expect((await screen.findByTestId("jobs-error")).textContent).toContain(CONFLICT.message);
});

it("pauses, goes on, and ends the wait before the next try", async () => {
  const sent = scripted({}, { job_pause: () => Promise.resolve({}) });
  const retry = { why: "Timed out.", attempt: 3, of: 5, inMs: 9000 };
  jobs.set([
    job({}),
    job({ id: "b", state: "paused" }),
    job({ id: "c", targets: [target({ state: "retrying", retry })] }),
  ]);
  render(JobsButton, { onopen: vi.fn() });
  expect(screen.getByTestId("jobs-button").getAttribute("aria-label")).toBe("3 jobs, 2 jobs running, 1 job paused");
  await userEvent.click(screen.getByTestId("jobs-button"));
  await userEvent.click(await screen.findByTestId("job-pause-a"));
  expect(last(sent, "job_pause")).toEqual({ job: "a" });
  expect(screen.getByTestId("job-b").textContent).toContain("Paused");
  expect(screen.getByTestId("job-b").querySelector("[role=progressbar]")?.getAttribute("aria-valuenow")).toBe("30");
  await userEvent.click(screen.getByTestId("job-resume-b"));
  expect(last(sent, "job_resume")).toEqual({ job: "b" });
  expect(screen.getByTestId("job-retry-c").textContent).toMatch(/^Timed out\. Try 3 of 5, next in \d s\.$/);
  await userEvent.click(screen.getByTestId("job-retry-now-c"));
  expect(last(sent, "job_retry_now")).toEqual({ job: "c" });
});
