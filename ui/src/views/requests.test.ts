import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { Approval } from "../lib/bindings/Approval";
import type { ApprovalDetail } from "../lib/bindings/ApprovalDetail";
import { FakeBackend as Sample, type FakeBackend } from "../lib/backend/fake";
import { trouble } from "../lib/backend/fake/keys";
import { app } from "../lib/stores/app.svelte";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const asked = (backend: FakeBackend, name: string): unknown =>
  backend.calls.filter((call) => call.name === name).at(-1)?.request;

/** Requests of the full sample. */
async function full(): Promise<Approval[]> {
  return (await new Sample("requests").invoke("approvals", { workspace: "acme" })).list;
}

async function page(id: string, prepare: (backend: FakeBackend) => void = () => {}): Promise<FakeBackend> {
  const { backend } = await open("requests", prepare);
  app.showRequest(id);
  await screen.findByTestId("request-signed");
  return backend;
}

describe("requests", () => {
  it("stand in a list, and the sidebar counts what waits for me", async () => {
    await open("requests");
    await userEvent.click(await screen.findByTestId("nav-requests"));
    const pending = within(await screen.findByTestId("requests-pending"));
    expect(pending.getAllByRole("row")).toHaveLength(4);
    expect(pending.getByText("Waits for you")).toBeTruthy();
    expect(pending.getByText("Ready to publish")).toBeTruthy();
    const past = at("requests-past").textContent;
    for (const word of ["Out of date", "Expired", "Withdrawn"]) expect(past).toContain(word);
    expect(at("requests-waiting").textContent).toContain("2");
  });

  it("say what belongs here while there are none", async () => {
    await open("pipeline");
    app.view = "requests";
    expect((await screen.findByTestId("requests-empty")).textContent).toContain("Ask for signatures…");
    expect(screen.queryByTestId("requests-waiting")).toBeNull();
  });

  it("are looked for only in a private location, which can be set and taken away", async () => {
    const user = userEvent.setup();
    const { backend } = await open("requests");
    app.view = "requests";
    expect((await screen.findByTestId("look-for-proposals")).getAttribute("aria-disabled")).toBe("true");
    await user.click(at("location-set"));
    expect((await screen.findByTestId("proposals-location")).textContent).toContain("must not be the public storage");
    await user.type(at("proposals-address"), "file:///mnt/team{Enter}");
    expect(asked(backend, "proposals_set")).toEqual({ workspace: "acme", address: "file:///mnt/team" });
    await waitFor(() => expect(at("private-location").textContent).toContain("file:///mnt/team"));
    expect(at("looked").textContent).toContain("not read yet");
    await user.click(at("look-for-proposals"));
    expect(asked(backend, "proposals_read")).toEqual({ workspace: "acme" });
    await waitFor(() => expect(at("looked").textContent).toMatch(/as of .*, just now/));
    await user.click(at("location-set"));
    await user.clear(await screen.findByTestId("proposals-address"));
    await user.click(at("proposals-go"));
    expect(asked(backend, "proposals_set")).toEqual({ workspace: "acme", address: null });
  });
});

describe("what the console finds by itself", () => {
  it("is told, and counted in the sidebar at once", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    expect(screen.queryByTestId("requests-waiting")).toBeNull();
    const other = await full();
    backend.approvals.list = other.filter((one) => one.mine);
    const notice = { workspace: "acme", unit: "main", channel: "staging", kind: "waits" };
    const title = "A request waits for your signature";
    app.handle({
      type: "notice",
      data: { ...notice, title, text: "Release 4.2.6 to staging, asked for by Ines Caro." },
    });
    expect((await screen.findByTestId("toast-title")).textContent).toBe(title);
    await waitFor(() => expect(at("requests-waiting").textContent).toContain("1"));
    backend.approvals.list = [];
    app.handle({ type: "board", data: { workspace: "acme" } });
    await waitFor(() => expect(screen.queryByTestId("requests-waiting")).toBeNull());
  });

  it("says why the last look failed, and looks again", async () => {
    const { backend } = await open("requests", (backend) => {
      backend.approvals.location = "file:///mnt/team";
      backend.approvals.looked = new Date(Date.now() - 40 * 60_000).toISOString();
      backend.approvals.lookFailed = trouble("storage.unreachable", "The folder is not there.", "");
    });
    app.view = "requests";
    expect((await screen.findByTestId("look-failed")).textContent).toContain("The folder is not there.");
    expect(at("looked").textContent).toContain("40 min ago");
    await userEvent.click(screen.getByRole("button", { name: "Look again" }));
    expect(asked(backend, "proposals_read")).toEqual({ workspace: "acme" });
  });
});

describe("a request", () => {
  it("of my own waits for others and cannot be published", async () => {
    const backend = await page("a1");
    expect(at("request-signed").textContent).toBe("1 of 2 signed");
    expect(at("signature-86e0396b").textContent).toContain("Signed");
    expect(at("signature-5d21c3f0").textContent).toContain("Not signed");
    for (const absent of ["request-publish", "request-sign", "request-refuse", "request-again"]) {
      expect(screen.queryByTestId(absent)).toBeNull();
    }
    const user = userEvent.setup();
    await user.click(at("request-withdraw"));
    expect((await screen.findByTestId("withdraw-go")).getAttribute("aria-disabled")).toBe("true");
    await user.type(at("withdraw-reason"), "Wrong build{Enter}");
    expect(asked(backend, "approval_withdraw")).toEqual({ workspace: "acme", id: "a1", reason: "Wrong build" });
    await waitFor(() => expect(at("request-state").textContent).toBe("Withdrawn"));
  });

  it("shows changed, unchanged and dangerous lines from the signed bytes", async () => {
    await page("b2");
    const rows = [...at("changes-main.staging").querySelectorAll<HTMLElement>("[data-mark]")];
    expect(rows.map((row) => row.dataset["mark"])).toEqual(["changed", "same", "same", "changed", "danger"]);
    expect(rows[1]?.textContent).toContain("unchanged");
    expect(rows[4]?.textContent).toContain("3 are taken away");
    expect(at("request-alarms").textContent).toContain("cannot be rolled back");
    expect(at("request-sign").getAttribute("aria-disabled")).toBe("true");
  });

  it("shows ten files first, and all on demand", async () => {
    await page("a1");
    expect(at("file-counts").textContent).toMatch(/\+4 added\s*−2 removed\s*~6 changed/);
    expect(screen.getAllByTestId("file-row")).toHaveLength(10);
    await userEvent.click(at("files-all"));
    expect(screen.getAllByTestId("file-row")).toHaveLength(12);
  });

  it("of a colleague is signed here, or refused with a reason", async () => {
    const backend = await page("b2", (backend) => backend.approvals.alarmed.clear());
    const user = userEvent.setup();
    expect(at("signature-86e0396b").textContent).toContain("Yours is missing");
    expect(screen.queryByTestId("request-withdraw")).toBeNull();
    await user.click(at("request-refuse"));
    await user.type(await screen.findByTestId("refuse-reason"), "   {Enter}");
    expect(asked(backend, "approval_refuse")).toBeUndefined();
    await user.keyboard("{Escape}");
    await user.click(at("request-sign"));
    expect(asked(backend, "approval_sign")).toEqual({ workspace: "acme", id: "b2" });
    await waitFor(() => expect(at("request-signed").textContent).toBe("2 of 2 signed"));
    expect(at("signature-c7416671").textContent).toContain("Not needed then");
    expect(screen.queryByTestId("request-publish")).toBeNull();
  });

  it("with every signature is published only under the typed name", async () => {
    const backend = await page("c3");
    const user = userEvent.setup();
    await user.click(at("request-publish"));
    await user.type(await screen.findByTestId("typed-confirm"), "bet{Enter}");
    expect(asked(backend, "approval_publish")).toBeUndefined();
    await user.type(at("typed-confirm"), "a{Enter}");
    expect(asked(backend, "approval_publish")).toEqual({ workspace: "acme", id: "c3", typed: "beta" });
    await waitFor(() => expect(at("request-state").textContent).toBe("Published"));
  });

  it.each([
    ["d4", "Out of date"],
    ["e5", "Expired"],
  ])("%s is asked again, never published or signed", async (id, word) => {
    const backend = await page(id);
    expect(at("request-state").textContent).toBe(word);
    expect(screen.queryByTestId("request-publish")).toBeNull();
    if (id === "d4") expect(at("request-stale").textContent).toContain("Jonas Weber published version 31");
    await userEvent.click(at("request-again"));
    expect(asked(backend, "approval_again")).toEqual({ workspace: "acme", id });
    await waitFor(() => expect(app.requestId).toBe("a1"));
  });

  it("is saved for another person, with the bundle beside it", async () => {
    const backend = await page("a1");
    const user = userEvent.setup();
    await user.click(at("request-save"));
    await user.click(await screen.findByTestId("save-bundle"));
    await user.click(at("save-go"));
    expect(asked(backend, "approval_save")).toEqual({ workspace: "acme", id: "a1", bundle: true });
    await user.click(await screen.findByTestId("request-import"));
    await waitFor(() => expect(at("request-signed").textContent).toBe("2 of 2 signed"));
  });

  it("is shown as a QR code where it fits, and its answer comes in as a picture", async () => {
    const backend = await page("a1");
    const user = userEvent.setup();
    await user.click(at("request-save"));
    await user.click(await screen.findByTestId("request-qr-show"));
    expect((await screen.findByTestId("request-qr")).getAttribute("role")).toBe("img");
    expect(screen.queryByTestId("request-qr-light")).toBeNull();
    await user.click(at("request-qr-done"));
    await user.click(await screen.findByTestId("request-scan"));
    expect(asked(backend, "approval_scan")).toEqual({ workspace: "acme" });
    await waitFor(() => expect(at("request-signed").textContent).toBe("2 of 2 signed"));
  });

  it.each([
    ["light", true],
    ["no", false],
  ] as const)("that fits %s says so", async (fits, shown) => {
    await page("a1", (backend) => (backend.approvals.fits = fits));
    const user = userEvent.setup();
    await user.click(at("request-save"));
    if (shown) {
      await user.click(await screen.findByTestId("request-qr-show"));
      expect(at("request-qr-light").textContent).toContain("left out");
    } else {
      expect((await screen.findByTestId("request-qr-none")).textContent).toContain("2953 fit");
      expect(screen.queryByTestId("request-qr-show")).toBeNull();
    }
  });

  it("that waits for a channel's RSA key says so, and takes the bundle along", async () => {
    const rsa = { key: "production apps", there: false };
    await page("a1", (backend) => {
      const invoke = backend.invoke.bind(backend);
      backend.invoke = async (name, request) => {
        const answer = await invoke(name, request);
        if (name === "approval") Object.assign((answer as ApprovalDetail).approval, { rsa });
        return answer;
      };
    });
    await waitFor(() => expect(at("request-rsa").textContent).toContain("Not signed yet"));
    expect(at("request-rsa").textContent).toContain("production apps");
    await userEvent.click(at("request-save"));
    await screen.findByTestId("save-needed");
    expect(screen.queryByTestId("save-bundle")).toBeNull();
  });

  it("says in place why nothing was signed", async () => {
    await page("b2", (backend) => {
      backend.approvals.alarmed.clear();
      backend.fail("approval_sign", trouble("signing.stale", "Others published meanwhile.", "Ask again."));
    });
    await userEvent.click(at("request-sign"));
    expect((await screen.findByTestId("error-code")).textContent).toBe("signing.stale");
  });

  it("opens the comparison with an own build", async () => {
    await page("a1");
    await userEvent.click(at("rebuild-choose"));
    expect(app.overlay).toMatchObject({ kind: "compare", release: { version: "4.2.5", build: 1308 } });
  });
});

describe("a gate with an open request", () => {
  it("is closed, says how many signed, and leads to the request", async () => {
    await open("requests");
    const state = await screen.findByTestId("gate-state-staging-production");
    await waitFor(() => expect(state.dataset["state"]).toBe("closed"));
    expect(state.textContent).toContain("1 of 2 signed");
    await userEvent.click(at("gate-staging-production"));
    expect(app.requestId).toBe("a1");
    expect(await screen.findByTestId("request-signed")).toBeTruthy();
  });
});
