import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { install } from "../lib/backend/fake/devices";
import { unreachable } from "../lib/backend/fake/rollouts";
import type { FakeBackend } from "../lib/backend/fake";
import { app } from "../lib/stores/app.svelte";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const asked = (backend: FakeBackend, name: string): unknown =>
  backend.calls.filter((call) => call.name === name).at(-1)?.request;

describe("devices", () => {
  it("stand by release, client and native version, of a channel in a window", async () => {
    const user = userEvent.setup();
    const { backend } = await open("server");
    app.view = "devices";
    expect((await screen.findByTestId("share")).textContent).toContain("17,531");
    expect(at("devices-total").textContent).toContain("74,608 seen on production in 30 days");
    expect(at("share").textContent).toContain("Embedded build");
    expect(at("share").querySelector("[role='img']")?.getAttribute("aria-label")).toContain("4.2.4 23.5");
    expect(at("device-natives").textContent).toContain("54,710");
    await user.click(at("devices-platform-ios"));
    await user.click(at("devices-window-7"));
    await user.click(at("devices-channel-staging"));
    await waitFor(() =>
      expect(asked(backend, "devices")).toEqual({
        workspace: "acme",
        unit: "main",
        channel: "staging",
        platform: "ios",
        windowDays: 7,
      }),
    );
    await waitFor(() => expect(at("devices-total").textContent).toContain("on staging in 7 days"));
  });

  it("say what each client verifies, and which ones are risky or silent", async () => {
    await open("server");
    app.view = "devices";
    expect((await screen.findByTestId("client-headgate-1.0.0")).textContent).toContain("Good");
    expect(at("client-ionic-0.5.8").textContent).toContain("Trusts server");
    expect(at("client-ionic-0.5.8").textContent).toContain("no failure signal from this client");
    expect(at("client-capgo-8.40.0").textContent).toContain("Watch");
    expect(at("client-capgo-10.0.0").textContent).toContain("Risky");
    expect(at("clients-risky").textContent).toContain("212 devices run a risky plugin version");
    expect(at("clients-silent").textContent).toContain("20,144 devices");
  });

  it("are readable with their age while the server is not reached", async () => {
    await open("server-offline");
    app.view = "devices";
    expect((await screen.findByTestId("server-offline")).textContent).toContain("cached");
    expect(at("share").textContent).toContain("17,531");
  });

  it("need an update server; what a device would get does not", async () => {
    const user = userEvent.setup();
    await open("pipeline");
    app.view = "devices";
    await screen.findByTestId("no-server");
    expect(screen.queryByTestId("lookup")).toBeNull();
    await user.type(at("simulate-native"), "4.2.0");
    await user.click(at("simulate-go"));
    await screen.findByTestId("simulate-answer");
  });
});

describe("looking one install up", () => {
  it("shows what it gets, why, and what happened", async () => {
    const user = userEvent.setup();
    await open("server");
    app.view = "devices";
    await user.type(await screen.findByTestId("lookup-install"), `${install}{Enter}`);
    const answer = await screen.findByTestId("lookup-offer-production");
    expect(answer.textContent).toContain("Gets 4.2.4, build 1301");
    const found = at("lookup-production").textContent ?? "";
    expect(found).toContain("Share point 187 of 1,000");
    expect(found).toContain("Capgo updater 8.51.23, native 4.1.2 on Android");
    expect(found).toContain("Downloaded");
  });

  it("says when the server has not seen it, and takes nothing empty", async () => {
    const user = userEvent.setup();
    const { backend } = await open("server");
    app.view = "devices";
    await user.click(await screen.findByTestId("lookup-go"));
    expect(asked(backend, "install_lookup")).toBeUndefined();
    await user.type(at("lookup-install"), "nobody");
    await user.click(at("lookup-go"));
    expect((await screen.findByTestId("lookup-none")).textContent).toContain("nobody");
  });

  it("offers the token again where the server refused it", async () => {
    const user = userEvent.setup();
    await open("server", (backend) =>
      backend.fail("install_lookup", {
        ...unreachable,
        code: "server.refused",
        message: "The server refused the token.",
      }),
    );
    app.view = "devices";
    await user.type(await screen.findByTestId("lookup-install"), "x{Enter}");
    expect((await screen.findByTestId("error-code")).textContent).toBe("server.refused");
    await user.click(at("error-action"));
    await screen.findByTestId("server-dialog");
  });
});

describe("which devices get this", () => {
  it("asks with what was entered and gives reason and trace", async () => {
    const user = userEvent.setup();
    const { backend } = await open("server");
    app.view = "devices";
    await user.selectOptions(await screen.findByTestId("simulate-platform"), "ios");
    await waitFor(() => expect((at("simulate-native") as HTMLInputElement).value).toBe("4.2.0"));
    await user.clear(at("simulate-native"));
    await user.type(at("simulate-native"), "4.0.9");
    await user.selectOptions(at("simulate-running"), "1294");
    await user.click(at("simulate-go"));
    expect((await screen.findByTestId("simulate-answer")).dataset["offer"]).toBe("nothing");
    expect(at("simulate-answer-why").textContent).toBe("native_range");
    expect(at("simulate").textContent).toContain("not in 4.1.0 – 4.2.x");
    expect(asked(backend, "simulate")).toEqual({
      workspace: "acme",
      unit: "main",
      channel: "production",
      platform: "ios",
      native: "4.0.9",
      install: null,
      running: 1294,
    });
  });

  it("forgets an answer when another channel is shown", async () => {
    const user = userEvent.setup();
    await open("server");
    app.view = "devices";
    await user.click(await screen.findByTestId("simulate-go"));
    await screen.findByTestId("simulate-answer");
    await user.click(at("devices-channel-staging"));
    await waitFor(() => expect(screen.queryByTestId("simulate-answer")).toBeNull());
  });

  it("names a native version that is missing, beside its field", async () => {
    const user = userEvent.setup();
    const { backend } = await open("pipeline");
    app.view = "devices";
    await user.click(await screen.findByTestId("simulate-go"));
    expect(at("simulate-native").getAttribute("aria-invalid")).toBe("true");
    expect(asked(backend, "simulate")).toBeUndefined();
  });
});

describe("setting up an app", () => {
  it("gives the exact text for each client, to copy", async () => {
    const user = userEvent.setup();
    const { backend } = await open("server");
    const copied = vi.spyOn(navigator.clipboard, "writeText");
    app.view = "devices";
    await screen.findByTestId("share");
    await user.click(at("setup-app"));
    const config = await screen.findByTestId("setup-config");
    expect(config.textContent).toContain('updateUrl: "https://ota.acme.example/capgo/updates"');
    await user.click(at("copy-config"));
    expect(copied).toHaveBeenCalledWith(config.textContent);
    await waitFor(() => expect(at("copy-config").textContent).toContain("Copied"));
    expect(at("setup-key").textContent).toContain("BEGIN RSA PUBLIC KEY");
    await user.click(at("setup-ionic"));
    expect(at("setup-untested").textContent).toContain("only with a token from Ionic");
    expect(at("copy-config").textContent).not.toContain("Copied");
    await user.click(at("setup-cordova"));
    expect(screen.queryByTestId("setup-key")).toBeNull();
    expect(asked(backend, "client_setups")).toEqual({ workspace: "acme", unit: "main", channel: "production" });
  });
});

describe("connecting an update server", () => {
  async function dialog(prepare: (backend: FakeBackend) => void = () => {}) {
    const user = userEvent.setup();
    const { backend } = await open("pipeline", prepare);
    app.view = "devices";
    await user.click(await screen.findByTestId("connect-server"));
    await screen.findByTestId("server-dialog");
    return { user, backend };
  }

  it("hands address and token over once, then shows figures", async () => {
    const { user, backend } = await dialog();
    expect((at("server-token") as HTMLInputElement).type).toBe("password");
    await user.type(at("server-url"), "https://ota.acme.example:8081");
    await user.type(at("server-token"), "s3cret");
    await user.click(at("server-connect"));
    await waitFor(() => expect(screen.queryByTestId("server-dialog")).toBeNull());
    expect((await screen.findByTestId("share")).textContent).toContain("17,531");
    expect(asked(backend, "server_connect")).toEqual({
      workspace: "acme",
      url: "https://ota.acme.example:8081",
      token: "s3cret",
    });
  });

  it("names what is missing or no address, beside the field, and asks nobody", async () => {
    const { user, backend } = await dialog();
    await user.type(at("server-url"), "ota.acme.example");
    await user.click(at("server-connect"));
    expect(at("server-url").getAttribute("aria-invalid")).toBe("true");
    expect(at("server-token").getAttribute("aria-invalid")).toBe("true");
    expect(asked(backend, "server_connect")).toBeUndefined();
  });

  it("puts a refusal of the token beside the token, and another problem above", async () => {
    const { user, backend } = await dialog();
    await user.type(at("server-url"), "https://ota.acme.example:8081");
    await user.type(at("server-token"), "wrong");
    backend.fail("server_connect", {
      ...unreachable,
      code: "server.refused",
      message: "Token refused.",
      field: "token",
    });
    await user.click(at("server-connect"));
    await waitFor(() => expect(at("server-token").getAttribute("aria-invalid")).toBe("true"));
    expect(at("server-dialog").textContent).toContain("Token refused.");
    backend.fail("server_connect", unreachable);
    await user.type(at("server-token"), "2");
    await user.click(at("server-connect"));
    expect((await screen.findByTestId("error-code")).textContent).toBe("server.unreachable");
  });

  it("keeps the token that is there", async () => {
    const user = userEvent.setup();
    const { backend } = await open("server");
    await user.click(await screen.findByTestId("workspace-menu"));
    await user.click(await screen.findByTestId("menu-server"));
    await waitFor(() => expect((at("server-url") as HTMLInputElement).value).toContain("https://ota"));
    await user.click(at("server-connect"));
    await waitFor(() => expect(asked(backend, "server_connect")).toMatchObject({ token: "" }));
  });
});
