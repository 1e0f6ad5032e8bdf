import { describe, expect, it } from "vitest";
import type { RolloutAction } from "../../lib/bindings/RolloutAction";
import { menuOf, notUndone, primaryOf, secondOf, wordsOf } from "./words";

const about = { version: "4.2.4", channel: "production", permille: null, target: "4.2.3" };
const open = (action: string, more: Partial<RolloutAction> = {}): RolloutAction => ({
  action,
  permille: null,
  disabled: null,
  proposed: false,
  ...more,
});

describe("halt, roll back and back to embedded", () => {
  it("are three things in words", () => {
    const halt = wordsOf({ ...about, action: "halt" });
    const back = wordsOf({ ...about, action: "roll_back" });
    const embedded = wordsOf({ ...about, action: "embedded" });
    expect(halt.lead).toContain("No device moves back");
    expect(JSON.stringify(halt)).not.toMatch(/roll back|embedded/i);
    expect(back.confirm).toBe("Roll back to 4.2.3");
    expect(JSON.stringify(back)).not.toMatch(/halt|embedded/i);
    expect(embedded.lead).toContain("Removes live updates");
    expect(JSON.stringify(embedded)).not.toMatch(/halt|roll back/i);
    expect([halt.danger, back.danger, embedded.danger]).toEqual([false, true, true]);
  });

  it("say what they do not undo", () => {
    expect(notUndone("halt", "4.2.4")).toEqual([]);
    expect(notUndone("roll_back", "4.2.4")[0]).toContain("Data that 4.2.4 wrote");
  });
});

describe("what the page puts first", () => {
  it("is the next step while a rollout goes on", () => {
    const actions = [open("halt"), open("advance", { permille: 500, proposed: true }), open("roll_back")];
    expect(primaryOf(actions)?.action).toBe("advance");
    expect(secondOf(actions, actions[1] ?? null).map((action) => action.action)).toEqual(["roll_back", "halt"]);
  });

  it("is the halt once the gate stopped it, and never something that is closed", () => {
    const closed = open("advance", { permille: 500, proposed: true, disabled: "The gate stopped it." });
    const actions = [closed, open("halt", { proposed: true }), open("embedded")];
    const primary = primaryOf(actions);
    expect(primary?.action).toBe("halt");
    expect(menuOf(actions, [primary, ...secondOf(actions, primary)])).toEqual([closed, actions[2]]);
  });

  it("is nothing when only ways back are left", () => {
    expect(primaryOf([open("roll_back"), open("embedded")])).toBeNull();
  });
});
