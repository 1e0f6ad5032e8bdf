import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { board, gate, last, scripted, unit, workspace } from "../ship/testing";
import PromoteSheet from "./PromoteSheet.svelte";

const SLOW = { timeout: 4000 };

function open() {
  const onclose = vi.fn();
  render(PromoteSheet, { workspace, unit, board, gate, onclose });
  return { onclose, user: userEvent.setup() };
}

it("shows that both channels would serve the same bytes", async () => {
  const sent = scripted();
  open();
  expect((await screen.findByTestId("same-bytes", {}, SLOW)).dataset.equal).toBe("true");
  expect(last(sent, "promote_prepare")).toEqual({
    workspace: "acme",
    unit: "main",
    build: 1308,
    from: "staging",
    to: "production",
    permille: null,
  });
});

it("stays closed until the channel's name is typed", async () => {
  const sent = scripted();
  const { user } = open();
  const typed = await screen.findByTestId("typed-confirm", {}, SLOW);
  expect(document.activeElement).toBe(typed);
  await user.type(typed, "product{Enter}");
  const start = screen.getByTestId("promote-start");
  expect(start.getAttribute("aria-disabled")).toBe("true");
  expect(screen.getByTestId("promote-why").textContent).toContain("the channel's name");
  await user.click(start);
  expect(last(sent, "promote_start")).toBeUndefined();
  await user.type(typed, "ion");
  await user.click(start);
  expect(last(sent, "promote_start")?.typed).toBe("production");
  await screen.findByTestId("receipt", {}, SLOW);
});

it("never promotes bytes that differ", async () => {
  const sent = scripted({ differ: true });
  const { user } = open();
  await user.type(await screen.findByTestId("typed-confirm", {}, SLOW), "production");
  expect(screen.getByTestId("same-bytes").dataset.equal).toBe("false");
  await user.click(screen.getByTestId("promote-start"));
  expect(screen.getByTestId("promote-why").textContent).toContain("not the same");
  expect(last(sent, "promote_start")).toBeUndefined();
});

it("another start share derives the plan again", async () => {
  const sent = scripted();
  const { user } = open();
  await user.selectOptions(await screen.findByTestId("promote-share", {}, SLOW), "250");
  expect(last(sent, "promote_prepare")?.permille).toBe(250);
  await waitFor(() => expect(screen.getByTestId("promote-to").textContent).toContain("Starts at 25"));
});

it("a refusal is shown with its code, and nothing was promoted", async () => {
  const refused = {
    code: "promote.not_approved",
    message: "Build 1308 is not approved on staging.",
    holds: "Nothing was changed.",
    remedy: "Release it to staging first.",
    detail: null,
    retryable: false,
    field: null,
  };
  scripted({}, { promote_prepare: () => Promise.reject(refused) });
  open();
  expect((await screen.findByTestId("error-code", {}, SLOW)).textContent).toBe("promote.not_approved");
  expect(screen.getByTestId("promote-start").getAttribute("aria-disabled")).toBe("true");
});
