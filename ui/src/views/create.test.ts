import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { CreateForm } from "../components/create/create.svelte";
import type { FakeBackend } from "../lib/backend/fake";
import { trouble } from "../lib/backend/fake/keys";
import { app } from "../lib/stores/app.svelte";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const off = (testid: string): boolean => at(testid).getAttribute("aria-disabled") === "true";
const asked = (backend: FakeBackend): unknown =>
  backend.calls.filter((call) => call.name === "workspace_create").at(-1)?.request;
const HEX = "3f".repeat(32);

async function filled(prepare?: (backend: FakeBackend) => void): Promise<FakeBackend> {
  const { backend } = await open("welcome", prepare);
  const user = userEvent.setup();
  await user.click(await screen.findByTestId("create"));
  await user.type(await screen.findByTestId("create-app"), "com.acme.team");
  await user.type(at("create-name"), "Acme Team");
  await user.type(at("connect-storage"), "/srv/team");
  return backend;
}

describe("making a workspace", () => {
  it("alone needs no more than app, name and storage", async () => {
    const backend = await filled();
    expect(at("create-confirm").textContent).toContain("Make workspace");
    await userEvent.click(at("create-confirm"));
    expect(asked(backend)).toEqual({
      app: "com.acme.team",
      name: "Acme Team",
      storage: "/srv/team",
      publicUrl: null,
      channels: ["development", "staging", "production"],
      credentials: null,
      team: null,
    });
    await waitFor(() => expect(app.view).toBe("pipeline"));
    expect(screen.queryByTestId("workspace-waiting")).toBeNull();
  });

  it("as a team asks the owners, and shows the request that it waits for", async () => {
    const backend = await filled((backend) => {
      backend.approvals.list = [];
    });
    const user = userEvent.setup();
    await user.click(at("create-team"));
    expect(off("create-confirm")).toBe(true);
    expect(at("create-reason").textContent).toContain("Each owner needs");
    await user.type(await screen.findByTestId("member-public-0"), HEX);
    await user.type(at("member-name-0"), "Ines 2026");
    await user.type(at("member-holder-0"), "Ines Caro");
    expect(at("create-confirm").textContent).toContain("Sign and ask the owners");
    await user.click(at("create-confirm"));
    expect(asked(backend)).toMatchObject({
      team: { members: [{ public: HEX, name: "Ines 2026", holder: "Ines Caro" }], root: 2, last: 2 },
    });
    await waitFor(() => expect(app.view).toBe("request"));
    expect(app.requestId).toBe("a1");
    // Every other page says what it waits for, and leads back.
    app.view = "pipeline";
    expect((await screen.findByTestId("workspace-waiting")).textContent).toContain("waits for its owners");
    await app.choose("folder");
    expect(app.overlay).toBeNull();
    await user.click(at("waiting-open"));
    expect(app.requestId).toBe("a1");
  });

  it("becomes a workspace like any other once its job is done", async () => {
    const backend = await filled();
    const made = { ...backend.workspaces[0], ...waitingWorkspace };
    app.added(made);
    expect(app.view).toBe("request");
    backend.workspaces = [{ ...made, waiting: null }];
    const job = { ...initJob, state: "running" };
    app.handle({ type: "job", data: job });
    app.handle({ type: "job", data: { ...job, state: "done" } });
    await waitFor(() => expect(app.view).toBe("pipeline"));
    expect(app.workspace?.waiting).toBeNull();
  });

  it("says at the field, or above the buttons, why it was not made", async () => {
    await filled((backend) => {
      backend.fail("workspace_create", {
        ...trouble("usage.exists", "It holds a registry already.", ""),
        field: "storage",
      });
    });
    await userEvent.click(at("create-confirm"));
    expect((await screen.findByText("It holds a registry already.")).closest(".field")).toBeTruthy();
    expect(app.view).toBe("create");
    await userEvent.keyboard("{Escape}");
    expect(app.view).toBe("welcome");
  });

  it.each([
    ["app", "acme", "identifier"],
    ["channels", "Production", "no channel name"],
    ["channels", "beta, beta", "same name"],
    ["channels", "", "1 to 12"],
    ["storage", "", "storage address"],
  ] as const)("is closed while %s is %o", (field, value, says) => {
    const form = new CreateForm();
    Object.assign(form, { app: "com.acme.field", name: "Acme", storage: "/srv/ota" });
    expect(form.lacks).toBeNull();
    form[field] = value;
    expect(form.lacks).toContain(says);
  });
});

const waitingWorkspace = {
  id: "com.acme.team-1",
  app: "com.acme.team",
  name: "Acme Team",
  storage: "/srv/team",
  publicUrl: null,
  sandbox: false,
  units: [{ id: "main", label: "Main" }],
  vault: { kind: "os", label: "Secret Service", why: null },
  sampleBuild: null,
  waiting: "a1",
};

const initJob = {
  id: "init-1",
  kind: "init",
  workspace: waitingWorkspace.id,
  unit: "main",
  title: "Make the registry",
  state: "running",
  phase: "sign",
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
  undo: null,
  handle: null,
  channel: null,
};
