import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { CONFLICT } from "../../test/ship-data";
import ErrorPanel from "./ErrorPanel.svelte";

it("says what failed, what still holds, the way out and the code", () => {
  render(ErrorPanel, { error: CONFLICT, title: "4.2.7 was not released" });
  expect(screen.getByText("4.2.7 was not released")).toBeTruthy();
  expect(screen.getByTestId("error-message").textContent).toBe(CONFLICT.message);
  expect(screen.getByTestId("error-holds").textContent).toBe(CONFLICT.holds);
  expect(screen.getByTestId("error-remedy").textContent).toBe(CONFLICT.remedy);
  expect(screen.getByTestId("error-code").textContent).toBe("publish.version_conflict");
});

it("shows markup in a message as text", () => {
  const { container } = render(ErrorPanel, { error: { ...CONFLICT, message: "<img src=x onerror=alert(1)>" } });
  expect(container.querySelector("img")).toBeNull();
  expect(container.textContent).toContain("<img src=x");
});

it("offers only what it was given", async () => {
  const onaction = vi.fn();
  render(ErrorPanel, { error: CONFLICT, onaction });
  expect(screen.queryByTestId("error-dismiss")).toBeNull();
  await userEvent.click(screen.getByTestId("error-action"));
  expect(onaction).toHaveBeenCalledOnce();
});

it("copies the details with the code", async () => {
  const user = userEvent.setup();
  render(ErrorPanel, { error: CONFLICT });
  await user.click(screen.getByTestId("error-copy"));
  const copied = await navigator.clipboard.readText();
  expect(copied).toContain("publish.version_conflict");
  expect(copied).toContain("412 Precondition Failed");
});
