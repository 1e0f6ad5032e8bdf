import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { FakeBackend, Scenario } from "../lib/backend/fake";
import { unreadable } from "../lib/backend/fake/data";
import { mirror, target, uploading } from "../lib/backend/fake/upload";
import { violations } from "../test/axe";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const sent = (backend: FakeBackend, name: string): unknown =>
  backend.calls.filter((call) => call.name === name).at(-1)?.request;

/** Opens the upload that an earlier run left, from the list of jobs: no plan is known any more. */
async function openUpload(scenario: Scenario): Promise<FakeBackend> {
  const { backend } = await open(scenario);
  await userEvent.click(await screen.findByTestId("jobs-button"));
  await userEvent.click(await screen.findByTestId("job-open-job-upload"));
  await screen.findByTestId("transfer");
  return backend;
}

describe("an upload that is opened again", () => {
  it("shows each target, what was sent and what is left", async () => {
    await openUpload("uploading");
    const card = at("transfer").textContent;
    expect(card).toContain("Registry · S3 bucket field-updates");
    expect(at("upload-sent").textContent).toBe("212 KB of 1.8 MB");
    expect(at("upload-objects").textContent?.replace(/\s+/g, " ")).toBe("3 of 53");
    expect(at("upload-left").textContent?.trim()).toBe("about 33 s");
    expect(at("objects-summary").textContent).toContain(
      "3 of 53 uploaded · 631 unchanged skipped, 36.2 MB already in storage",
    );
    expect(at("objects-more").textContent).toBe("46 more queued");
    expect(at("target-1").textContent).toContain("Connection reset by server. Try 2 of 5, next in 8 s.");
    expect(at("ship-why").textContent).toContain("You can close Headgate. The upload resumes after restart.");
  });

  it("keeps the rules of accessibility, also with long names and 2,000 objects", async () => {
    await openUpload("huge");
    document.querySelector(".under")?.remove();
    expect(await violations(at("ship-sheet"))).toEqual([]);
    expect(document.querySelectorAll("[data-testid=objects] tbody tr")).toHaveLength(7);
  });

  it("draws its speed with the figures in words", async () => {
    const backend = await openUpload("uploading");
    for (const speed of [20_000, 48_000]) {
      backend.emit({ type: "job", data: uploading(0, { targets: [target({ speed }), mirror()] }) });
    }
    expect(
      await screen.findByRole("img", { name: "Speed of the last 2 reports: now 48 KB/s, at most 48 KB/s" }),
    ).toBeTruthy();
  });

  it("pauses and goes on, and the bar keeps its place", async () => {
    const backend = await openUpload("uploading");
    await userEvent.click(at("upload-pause"));
    expect(sent(backend, "job_pause")).toEqual({ job: "job-upload" });
    await waitFor(() => expect(at("upload-state").textContent).toContain("Paused"));
    expect(at("upload-jobPercent").textContent).toBe("11 %");
    expect(at("upload-speed").textContent).toBe("–");
    expect(at("ship-why").textContent).toContain("nothing moves until you resume");
    await userEvent.click(at("upload-resume"));
    expect(sent(backend, "job_resume")).toEqual({ job: "job-upload" });
    await waitFor(() => expect(at("upload-state").textContent).toContain("Uploading"));
  });

  it("ends the wait before the next try", async () => {
    const backend = await openUpload("retrying");
    expect(at("upload-state").textContent).toContain("Retrying");
    await userEvent.click(at("retry-now-0"));
    expect(sent(backend, "job_retry_now")).toEqual({ job: "job-upload" });
  });

  it("says why a mirror failed while the registry goes on, and tries it again", async () => {
    const backend = await openUpload("failed-mirror");
    expect(at("target-state-1").dataset["state"]).toBe("failed");
    expect(at("target-says-1").textContent).toContain("did not answer in 5 tries");
    expect(at("upload-state").textContent).toContain("Uploading");
    await userEvent.click(at("retry-1"));
    expect(sent(backend, "job_retry_now")).toEqual({ job: "job-upload" });
  });
});

describe("credentials that ended", () => {
  it("can be entered where the upload stopped, and it goes on by itself", async () => {
    const backend = await openUpload("expired");
    await userEvent.click(at("error-action"));
    await userEvent.click(await screen.findByTestId("credentials-store"));
    expect(at("access-key-id").getAttribute("aria-invalid"), "empty fields are named").toBe("true");
    expect(sent(backend, "credentials_set")).toBeUndefined();
    await userEvent.type(at("access-key-id"), "HG7KQ2MX4TNA");
    await userEvent.click(at("secret-access-key"));
    await userEvent.paste("s3cr3t");
    expect(at("secret-access-key").getAttribute("type")).toBe("password");
    await userEvent.keyboard("{Enter}");
    expect(sent(backend, "credentials_set")).toEqual({
      workspace: "acme",
      mirror: null,
      credentials: { accessKeyId: "HG7KQ2MX4TNA", secretAccessKey: "s3cr3t", sessionToken: null },
    });
    await waitFor(() => expect(screen.queryByTestId("credentials-dialog")).toBeNull());
    expect(sent(backend, "job_resume")).toEqual({ job: "job-upload" });
    expect(document.body.textContent).not.toContain("s3cr3t");
  });

  it("can be entered at the offline banner, which then reads storage", async () => {
    const { backend } = await open("expired");
    await userEvent.click(await screen.findByTestId("offline-credentials"));
    await userEvent.type(await screen.findByTestId("access-key-id"), "A");
    await userEvent.type(at("secret-access-key"), "B{Enter}");
    await waitFor(() => expect(screen.queryByTestId("offline-banner")).toBeNull());
    expect(sent(backend, "credentials_set")).toBeTruthy();
  });

  it("are named as the cause by the test of the storage", async () => {
    await open("expired");
    await userEvent.click(await screen.findByTestId("workspace-menu"));
    await userEvent.click(await screen.findByTestId("menu-storage-check"));
    expect((await screen.findByTestId("connect-check")).dataset["ok"]).toBe("false");
    document.querySelector(".under")?.remove();
    expect(await violations(at("storage-check-sheet"))).toEqual([]);
    await userEvent.click(at("storage-check-credentials"));
    await userEvent.type(await screen.findByTestId("access-key-id"), "A");
    await userEvent.type(at("secret-access-key"), "B{Enter}");
    await waitFor(() => expect(screen.getAllByTestId("connect-check")).toHaveLength(5));
    expect(at("storage-check-result").textContent).toContain("5 of 5 passed");
  });
});

describe("a message of a job that failed", () => {
  it("goes by itself once the job goes on", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    const { job } = await backend.invoke("freshness_refresh", { workspace: "acme" });
    const base = { ...(await backend.invoke("job", { job })), id: "job-of-the-test" };
    backend.emit({ type: "job", data: { ...base, state: "running" } });
    backend.emit({ type: "job", data: { ...base, state: "failed", error: unreadable } });
    expect(await screen.findByText(unreadable.message)).toBeTruthy();
    backend.emit({ type: "job", data: { ...base, state: "running", error: null } });
    await waitFor(() => expect(screen.queryByText(unreadable.message)).toBeNull());
  });
});
