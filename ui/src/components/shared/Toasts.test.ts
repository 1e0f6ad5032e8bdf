import { render, screen } from "@testing-library/svelte";
import { afterEach, describe, expect, it } from "vitest";
import { toasts } from "../../lib/stores/toasts.svelte";
import Toasts from "./Toasts.svelte";

afterEach(() => {
  for (const item of toasts.list) toasts.close(item.id);
});

describe("messages", () => {
  it("stand aside while a dialog is open, so that none lies over its buttons", async () => {
    toasts.warn("4.2.7 stopped itself");
    const { rerender } = render(Toasts, { aside: true });
    const region = screen.getByRole("region", { name: "Messages" });
    expect(region.className).toContain("toasts--aside");
    await rerender({ aside: false });
    expect(region.className).not.toContain("toasts--aside");
    expect(region.textContent).toContain("4.2.7 stopped itself");
  });
});
