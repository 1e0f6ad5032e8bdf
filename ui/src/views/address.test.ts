import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { addressError, zipAddress } from "../components/ship/address";
import { app } from "../lib/stores/app.svelte";
import { violations } from "../test/axe";
import { open } from "../test/start";

const URL = "https://ci.acme.example/builds/www-4.2.7.zip";
const at = (testid: string): HTMLElement => screen.getByTestId(testid);

function paste(text: string, on: Element = document.body): void {
  const event = new Event("paste", { bubbles: true, cancelable: true });
  Object.assign(event, { clipboardData: { getData: () => text } });
  void fireEvent(on, event);
}

describe("a zip that lies at an address", () => {
  it("is asked for in the menu, and wrong addresses are named", async () => {
    const { backend } = await open("pipeline");
    await userEvent.click(await screen.findByTestId("ship-build"));
    await userEvent.click(await screen.findByTestId("ship-address"));
    const field = await screen.findByTestId("address-url");
    await userEvent.type(field, "ftp://acme.example/www.zip{Enter}");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(backend.calls.some((call) => call.name === "artifact_pick")).toBe(false);
    document.querySelector(".under")?.remove();
    expect(await violations(at("address-dialog"))).toEqual([]);
  });

  it("shows what the engine says about the address at the field", async () => {
    await open("pipeline", (backend) =>
      backend.fail("artifact_pick", {
        code: "artifact.address",
        message: "The address holds a signature.",
        holds: "Nothing was downloaded.",
        remedy: "Give the https address of the zip itself.",
        detail: null,
        retryable: false,
        field: "url",
      }),
    );
    await screen.findByTestId("board");
    app.askAddress(URL);
    await userEvent.click(await screen.findByTestId("address-inspect"));
    await waitFor(() => expect(at("address-dialog").textContent).toContain("holds a signature"));
    expect(screen.queryByTestId("error-panel")).toBeNull();
  });

  it("comes from a paste on the board, stays where it lies, and can bring its files along", async () => {
    const { backend } = await open("pipeline");
    await screen.findByTestId("board");
    paste(`  ${URL}\n`);
    expect(await screen.findByTestId("address-url")).toHaveProperty("value", URL);
    await userEvent.click(at("address-inspect"));
    expect((await screen.findByTestId("location-says")).textContent).toContain(
      `Lies at ${URL} and stays there: it is not uploaded again.`,
    );
    expect(at("upload-files-says").textContent).toContain("differential clients do not");
    expect(screen.queryByTestId("exclude-source-maps"), "signed as it is").toBeNull();
    await userEvent.click(at("upload-files"));
    await userEvent.click(at("allow-secret-token"));
    await userEvent.type(at("allow-reason-secret-token"), "public{Enter}");
    await userEvent.click(at("ship-next"));
    await screen.findByTestId("sign-start");
    expect(backend.calls.find((call) => call.name === "ship_prepare")?.request).toMatchObject({ uploadFiles: true });
  });

  it("takes no other text, and nothing that a field wants", async () => {
    await open("pipeline");
    await screen.findByTestId("board");
    paste("https://acme.example/");
    paste("just words.zip");
    const field = document.body.appendChild(document.createElement("input"));
    paste(URL, field);
    field.remove();
    expect(app.overlay).toBeNull();
  });
});

describe("addresses", () => {
  it.each([
    ["", /Enter the address/],
    ["www.zip", /begins with https/],
    ["file:///www.zip", /begins with https/],
    ["javascript:alert(1)", /begins with https/],
    ["https://", /begins with https/],
    ["https://user:word@acme.example/www.zip", /user name or password/],
  ])("refuses ‘%s’", (text, why) => {
    expect(addressError(text)).toMatch(why);
  });

  it("takes https and http, and a paste only of a zip", () => {
    expect(addressError(URL)).toBeNull();
    expect(addressError("http://127.0.0.1:8080/www")).toBeNull();
    expect(zipAddress(`${URL}?x=1`)).toBe(`${URL}?x=1`);
    expect(zipAddress("https://acme.example/www.tar")).toBeNull();
    expect(zipAddress(`${URL} and more`)).toBeNull();
  });
});
