import { describe, expect, it } from "vitest";
import type { RolloutAction } from "../../lib/bindings/RolloutAction";
import { buttonsOf, notUndone, wordsOf } from "./words";

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
    expect(notUndone("roll_back", "4.2.4")).toEqual([
      "Data that 4.2.4 wrote on devices stays as it is",
      "4.2.4 stays in the log, with your reason",
    ]);
  });
});

describe("what the page puts where", () => {
  /** All six, as the engine gives them: what cannot be done carries its reason. */
  const all = (more: Record<string, Partial<RolloutAction>>): RolloutAction[] =>
    ["advance", "halt", "resume", "complete", "roll_back", "embedded"].map((name) => open(name, more[name] ?? {}));
  const names = (state: string, actions: RolloutAction[]) => {
    const { primary, second, menu } = buttonsOf(state, actions);
    return [primary?.action ?? null, second.map((one) => one.action), menu.map((one) => one.action)];
  };

  it("is the next step first while a rollout goes on", () => {
    const actions = all({ advance: { permille: 500, proposed: true }, resume: { disabled: "It is not halted." } });
    expect(names("rolling_out", actions)).toEqual([
      "advance",
      ["roll_back", "halt"],
      ["resume", "complete", "embedded"],
    ]);
  });

  it("is completing where the next step is everyone", () => {
    const actions = all({ advance: { disabled: "The next step is everyone: complete it." } });
    expect(names("rolling_out", actions)[0]).toBe("complete");
  });

  it("is the halt once the gate stopped it, although more could be offered", () => {
    const actions = all({ halt: { proposed: true }, advance: { permille: 500 } });
    expect(names("stopped_by_gate", actions)).toEqual([
      "halt",
      ["roll_back"],
      ["advance", "resume", "complete", "embedded"],
    ]);
  });

  it("is rolling back after a halt that the gate asked for, with resume beside it", () => {
    expect(names("halted", all({ roll_back: { proposed: true } })).slice(0, 2)).toEqual(["roll_back", ["resume"]]);
  });

  it("keeps what is closed in its place, so that its reason can be read", () => {
    const closed = { disabled: "Storage could not be read." };
    const actions = all(
      Object.fromEntries(
        ["advance", "halt", "resume", "complete", "roll_back", "embedded"].map((name) => [
          name,
          { ...closed, permille: name === "advance" ? 500 : null },
        ]),
      ),
    );
    expect(names("rolling_out", actions).slice(0, 2)).toEqual(["advance", ["roll_back", "halt"]]);
  });

  it("is nothing first where only ways back are left", () => {
    expect(names("complete", all({}))).toEqual([
      null,
      ["roll_back"],
      ["advance", "halt", "resume", "complete", "embedded"],
    ]);
  });
});
