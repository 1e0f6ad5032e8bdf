import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { noCredentials } from "../components/connect/credentials";
import { offline, root } from "../lib/backend/fake/data";
import { open } from "../test/start";
import { whyNotConnect, whyNotTest, type ConnectForm } from "./connect";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const off = (testid: string): boolean => at(testid).getAttribute("aria-disabled") === "true";

describe("the first run", () => {
  it("starts the sandbox and shows its empty pipeline", async () => {
    await open("welcome");
    await userEvent.click(await screen.findByTestId("start-sandbox"));
    expect(await screen.findByTestId("empty-development")).toBeTruthy();
  });

  it("says why the sandbox did not start", async () => {
    await open("welcome", (backend) => backend.fail("sandbox_start", offline));
    await userEvent.click(await screen.findByTestId("start-sandbox"));
    expect((await screen.findByTestId("error-code")).textContent).toBe("storage.missing");
    expect(at("start-sandbox").getAttribute("aria-busy")).toBeNull();
  });

  it("makes the computer an offline workstation and waits for the new start", async () => {
    const { backend } = await open("welcome");
    await userEvent.click(await screen.findByTestId("offline-workstation"));
    expect(backend.calls.some((call) => call.name === "offline_choose")).toBe(true);
    expect(at("offline-workstation").getAttribute("aria-busy")).toBe("true");
  });
});

describe("connecting a workspace", () => {
  async function openConnect(fail?: Parameters<typeof open>[1]): ReturnType<typeof open> {
    const page = await open("welcome", fail);
    await userEvent.click(await screen.findByTestId("connect"));
    await screen.findByTestId("connect-confirm");
    return page;
  }

  it("can be confirmed only after root, comparison and test", async () => {
    const { backend } = await openConnect();
    expect(off("connect-test")).toBe(true);
    await userEvent.click(at("storage-choose"));
    await userEvent.click(at("root-choose"));
    expect((await screen.findByTestId("root-words")).querySelectorAll("li").length).toBe(12);
    expect(at("root-hex").textContent?.replace(/\s/g, "")).toBe(root.fingerprint);
    await userEvent.click(at("connect-test"));
    await screen.findByTestId("connect-result");
    expect(off("connect-confirm")).toBe(true);
    expect(at("connect-reason").textContent).toContain("Compare the 12 words");
    await userEvent.click(at("root-compared"));
    expect(off("connect-confirm")).toBe(false);
    await userEvent.click(at("connect-confirm"));
    await screen.findByTestId("board");
    expect(backend.calls.find((call) => call.name === "connect")?.request).toEqual({
      name: "Acme Field",
      storage: "/srv/ota",
      publicUrl: null,
      root: "root-1",
      compared: true,
      credentials: null,
    });
  });

  it("wants a new test after the address changed", async () => {
    await openConnect();
    await userEvent.click(at("storage-choose"));
    await userEvent.click(at("root-choose"));
    await userEvent.click(at("root-compared"));
    await userEvent.click(at("connect-test"));
    await screen.findByTestId("connect-result");
    await userEvent.type(at("connect-storage"), "2");
    expect(screen.queryByTestId("connect-result")).toBeNull();
    expect(at("connect-reason").textContent).toContain("Run the connection test");
  });

  it("puts an error at the field that it belongs to", async () => {
    await openConnect((backend) =>
      backend.fail("connect_test", { ...offline, message: "No such folder.", field: "storage" }),
    );
    await userEvent.click(at("storage-choose"));
    await userEvent.click(at("root-choose"));
    await userEvent.click(at("connect-test"));
    await waitFor(() => expect(at("connect-storage").getAttribute("aria-invalid")).toBe("true"));
    expect(screen.queryByTestId("error-panel")).toBeNull();
  });

  it("goes back without doing anything", async () => {
    const { backend } = await openConnect();
    await userEvent.click(at("connect-back"));
    expect(await screen.findByTestId("start-sandbox")).toBeTruthy();
    expect(backend.calls.map((call) => call.name)).not.toContain("connect");
  });
});

describe("why not", () => {
  const check = { title: "Reads", detail: "", ok: true, warning: null, ms: 1, error: null };
  const full: ConnectForm = {
    name: "Acme",
    storage: "/srv/ota",
    publicUrl: "",
    credentials: noCredentials(),
    root,
    compared: true,
    test: { checks: [check], at: "2026-07-16T14:02:00Z" },
  };

  it("is nothing when everything is there", () => {
    expect(whyNotConnect(full)).toBeNull();
    expect(whyNotTest(full)).toBeNull();
  });

  it.each<[Partial<ConnectForm>, RegExp]>([
    [{ storage: " " }, /storage/],
    [{ root: null }, /1\.root\.json/],
    [{ compared: false }, /12 words/],
    [{ name: "" }, /name/],
    [{ test: null }, /test/],
    [{ test: { checks: [check, { ...check, ok: false }], at: "" } }, /must pass/],
    [{ test: { checks: [], at: "" } }, /must pass/],
  ])("names what is missing: %o", (change, reason) => {
    expect(whyNotConnect({ ...full, ...change })).toMatch(reason);
  });
});
