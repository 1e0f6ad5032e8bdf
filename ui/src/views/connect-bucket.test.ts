import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { expired } from "../lib/backend/fake/upload";
import { violations } from "../test/axe";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const off = (testid: string): boolean => at(testid).getAttribute("aria-disabled") === "true";

async function openConnect(storage: string, prepare?: Parameters<typeof open>[1]): ReturnType<typeof open> {
  const page = await open("welcome", prepare);
  await userEvent.click(await screen.findByTestId("connect"));
  await userEvent.click(await screen.findByTestId("root-choose"));
  await screen.findByTestId("root-words");
  await userEvent.click(at("connect-storage"));
  await userEvent.paste(storage);
  return page;
}

describe("connecting a bucket", () => {
  it("asks for credentials only when the address names one", async () => {
    await openConnect("/srv/ota");
    expect(screen.queryByTestId("credential-fields")).toBeNull();
    await userEvent.clear(at("connect-storage"));
    await userEvent.paste("S3://field-updates/acme?region=eu-north-1");
    expect(at("credential-fields").textContent).toContain("They go to the keychain and nowhere else");
    expect(at("storage-examples").textContent).toContain("r2.cloudflarestorage.com");
    expect(await violations()).toEqual([]);
  });

  it("sends them with the test, and without any the variables of the computer count", async () => {
    const { backend } = await openConnect("s3://field-updates");
    await userEvent.click(at("connect-test"));
    await screen.findByTestId("connect-result");
    const asked = () => backend.calls.filter((call) => call.name === "connect_test").at(-1)?.request;
    expect(asked()).toMatchObject({ credentials: null });
    await userEvent.type(at("access-key-id"), "KEY");
    expect(off("connect-test")).toBe(true);
    expect(at("connect-reason").textContent).toContain("Enter the secret access key too");
    await userEvent.type(at("secret-access-key"), "SECRET");
    await userEvent.type(at("session-token"), "TOKEN");
    await userEvent.click(at("connect-test"));
    await waitFor(() =>
      expect(asked()).toMatchObject({
        credentials: { accessKeyId: "KEY", secretAccessKey: "SECRET", sessionToken: "TOKEN" },
      }),
    );
  });

  it("forgets them when the address becomes a folder", async () => {
    const { backend } = await openConnect("s3://field-updates");
    await userEvent.type(at("access-key-id"), "KEY");
    await userEvent.type(at("secret-access-key"), "SECRET");
    await userEvent.clear(at("connect-storage"));
    await userEvent.paste("/srv/ota");
    await userEvent.click(at("connect-test"));
    await screen.findByTestId("connect-result");
    expect(backend.calls.at(-1)?.request).toMatchObject({ credentials: null });
  });

  it("shows a warning of the test before the workspace is connected", async () => {
    await openConnect("s3://sloppy");
    await userEvent.click(at("root-compared"));
    await userEvent.click(at("connect-test"));
    expect((await screen.findByTestId("connect-result")).textContent).toContain("4 of 4 passed, 1 warning,");
    expect(at("check-warning").textContent).toContain("ignores conditional writes");
    expect(at("connect-warned").textContent).toContain("Read it before you connect");
    expect(off("connect-confirm")).toBe(false);
  });

  it.each([
    ["accessKeyId", "access-key-id"],
    ["secretAccessKey", "secret-access-key"],
    ["publicUrl", "connect-public-url"],
  ])("puts an error of %s at its field", async (field, testid) => {
    await openConnect("s3://field-updates", (backend) => backend.fail("connect_test", { ...expired, field }));
    await userEvent.click(at("connect-test"));
    await waitFor(() => expect(at(testid).getAttribute("aria-invalid")).toBe("true"));
    expect(screen.queryByTestId("error-panel")).toBeNull();
  });
});
