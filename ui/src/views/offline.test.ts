import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { offline } from "../lib/stores/offline.svelte";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const off = (testid: string): boolean => at(testid).getAttribute("aria-disabled") === "true";

describe("the offline workstation", () => {
  it("is set up with a root that was compared, a key and a folder", async () => {
    const { backend } = await open("workstation-setup");
    await screen.findByTestId("offline-setup-view");
    await userEvent.click(at("offline-root-pick"));
    expect((await screen.findByTestId("offline-root-words")).querySelectorAll("li").length).toBe(12);
    expect(off("offline-pin")).toBe(true);
    await userEvent.type(at("typed-confirm"), "com.acme.field");
    await userEvent.click(at("offline-pin"));
    await screen.findByTestId("offline-pinned");
    expect(off("offline-key-make")).toBe(true);
    await userEvent.type(at("offline-key-name"), "Acme vault 2026");
    await userEvent.click(at("offline-key-make"));
    await screen.findByTestId("offline-public");
    await userEvent.click(at("offline-drive"));
    expect(await screen.findAllByTestId("offline-request")).toHaveLength(4);
    expect(backend.calls.find((call) => call.name === "offline_root_pin")?.request).toEqual({
      handle: "root",
      typed: "com.acme.field",
    });
  });

  it("shows what is signed and signs exactly that", async () => {
    const { backend } = await open("workstation");
    expect((await screen.findByTestId("offline-title")).textContent).toBe("Promote 4.2.5 to production");
    expect(at("offline-verdict").textContent).toContain("Matches the bundle on the drive");
    expect(at("offline-sign").textContent).toContain("Sign promotion");
    await userEvent.click(at("offline-sign"));
    await screen.findByTestId("offline-qr");
    const signed = backend.calls.find((call) => call.name === "offline_sign")?.request as {
      sha256: string;
      to: string;
    };
    expect(signed.sha256).toHaveLength(64);
    expect(signed.to).toBe("file");
    await waitFor(() => expect(within(at("offline-last")).getByText("Signed")).toBeTruthy());
  });

  it("signs against alarms only when each was confirmed by itself", async () => {
    const { backend } = await open("workstation-alarms");
    await screen.findByTestId("offline-alarms");
    expect(off("offline-sign")).toBe(true);
    const boxes = screen.getAllByTestId("offline-know-why");
    expect(boxes).toHaveLength(2);
    for (const box of boxes) {
      expect(off("offline-sign")).toBe(true);
      await userEvent.click(box);
    }
    expect(off("offline-sign")).toBe(false);
    await userEvent.click(boxes[0]!);
    expect(off("offline-sign")).toBe(true);
    expect(at("offline-why").textContent).toContain("1 alarm is not confirmed");
    await userEvent.click(boxes[0]!);
    await userEvent.click(at("offline-sign"));
    const signed = backend.calls.find((call) => call.name === "offline_sign")?.request as { accept: string[] };
    expect(signed.accept).toHaveLength(2);
  });

  it("refuses with a reason", async () => {
    const { backend } = await open("workstation");
    await screen.findByTestId("offline-review");
    await userEvent.click(at("offline-refuse"));
    await screen.findByTestId("offline-refuse-dialog");
    expect(off("offline-refuse-confirm")).toBe(true);
    await userEvent.type(at("offline-reason"), "Not on a Friday");
    await userEvent.click(at("offline-refuse-confirm"));
    expect(backend.calls.find((call) => call.name === "offline_refuse")?.request).toMatchObject({
      reason: "Not on a Friday",
    });
  });

  it("renders hostile names as text", async () => {
    await open("workstation", (backend) => {
      const invoke = backend.invoke.bind(backend);
      backend.invoke = async (name, request) => {
        const answer = await invoke(name, request);
        if (name === "offline_review") Object.assign(answer, { by: "<img src=x onerror=alert(1)>" });
        return answer;
      };
    });
    expect((await screen.findByTestId("offline-review")).textContent).toContain("<img src=x onerror=alert(1)>");
    expect(document.querySelector("img")).toBeNull();
  });

  it("makes signatures for plugins first, where the RSA key and the bundle are here", async () => {
    const one = {
      channel: "production",
      build: 1308,
      key: "production apps",
      vault: "os" as string | null,
      bundle: "1d50".repeat(16),
      says: "its bundle is signed for Capgo plugins with the RSA key ‘production apps’",
    };
    const { backend } = await open("workstation", (fake) => {
      const invoke = fake.invoke.bind(fake);
      fake.invoke = async (name, request) => {
        const answer = await invoke(name, request);
        // No key of this workstation signs the role: what is made for plugins is all.
        if (name === "offline_review") Object.assign(answer, { clients: [one], keys: [] });
        return answer;
      };
    });
    expect((await screen.findByTestId("offline-made-here")).textContent).toContain("production apps");
    expect(off("offline-sign")).toBe(false);
    await userEvent.click(at("offline-sign"));
    const signed = backend.calls.find((call) => call.name === "offline_sign")?.request as { key: string };
    expect(signed.key).toBe("");
    one.vault = null;
    await offline.choose("b");
    await waitFor(() => expect(at("offline-why").textContent).toContain("does not have the RSA key ‘production apps’"));
    expect(off("offline-sign")).toBe(true);
  });
});
