import { screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { FakeBackend } from "../../lib/backend/fake";
import { app } from "../../lib/stores/app.svelte";
import { violations } from "../../test/axe";
import { open } from "../../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);

async function freeze(): Promise<{ backend: FakeBackend; user: ReturnType<typeof userEvent.setup> }> {
  const { backend } = await open("server");
  const user = userEvent.setup();
  await user.click(await screen.findByTestId("release-menu-production"));
  await user.click(await screen.findByTestId("release-freeze"));
  await screen.findByTestId("change-affected");
  return { backend, user };
}

describe("freezing a channel", () => {
  it("is signed only with a reason, which everyone reads on the board and on the rollout", async () => {
    const { user } = await freeze();
    expect(at("change-lead").textContent).toContain("Nothing goes forward");
    expect(screen.queryByTestId("typed-confirm")).toBeNull();
    expect(at("change-start").getAttribute("aria-disabled")).toBe("true");
    expect(at("rollout-sheet").textContent).toContain("Needs a reason");
    await user.type(at("change-reason"), "Audit until Monday");
    await user.click(at("change-start"));
    await user.click(await screen.findByTestId("receipt-done"));

    await waitFor(() =>
      expect(at("frozen-production").textContent).toContain("Frozen by Ines Abt: Audit until Monday"),
    );
    expect(at("gate-state-staging-production").dataset["state"]).toBe("blocked");
    await user.click(at("gate-staging-production"));
    expect(app.overlay).toBeNull();
    expect((await screen.findByTestId("toast-text")).textContent).toContain("Audit until Monday");

    app.view = "rollouts";
    expect((await screen.findByTestId("row-frozen-production")).textContent).toContain("Frozen");
    app.showRollout("production");
    expect((await screen.findByTestId("frozen-banner")).textContent).toContain("Audit until Monday");
    expect(at("act-advance").getAttribute("aria-disabled")).toBe("true");
    expect(at("act-halt").getAttribute("aria-disabled")).toBeNull();
    await user.click(at("banner-unfreeze"));
    await screen.findByTestId("change-affected");
    await user.click(at("change-start"));
    await user.click(await screen.findByTestId("receipt-done"));
    await waitFor(() => expect(screen.queryByTestId("frozen-banner")).toBeNull());
  });

  it("holds the accessibility rules", async () => {
    await freeze();
    document.querySelector(".under")?.remove();
    expect(await violations(at("rollout-sheet"))).toEqual([]);
  });
});
