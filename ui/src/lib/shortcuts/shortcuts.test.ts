import { describe, expect, it } from "vitest";
import { caps, match, shortcut, shortcuts } from ".";

const key = (init: KeyboardEventInit, target: Element = document.body): KeyboardEvent => {
  const event = new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init });
  target.dispatchEvent(event);
  return event;
};

describe("shortcuts", () => {
  it("gives every key one meaning within a scope", () => {
    const seen = shortcuts.map((entry) => `${entry.scope} ${entry.mod} ${entry.key}`);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it("works for single letters only while the board has focus", () => {
    expect(match(key({ key: "p" }), ["board"])).toBe("promote");
    expect(match(key({ key: "p" }), ["window"])).toBeNull();
  });

  it("leaves letters to a field that has focus", () => {
    const input = document.createElement("input");
    document.body.append(input);
    expect(match(key({ key: "r" }, input), ["board"])).toBeNull();
    input.remove();
  });

  it("takes Ctrl and Cmd alike, and nothing together with Alt", () => {
    expect(match(key({ key: "o", ctrlKey: true }), ["window"])).toBe("ship-folder");
    expect(match(key({ key: "O", metaKey: true }), ["window"])).toBe("ship-folder");
    expect(match(key({ key: "o", ctrlKey: true, altKey: true }), ["window"])).toBeNull();
    expect(match(key({ key: "p", ctrlKey: true }), ["board"])).toBeNull();
  });

  it("names the modifier of the computer", () => {
    expect(caps(shortcut("ship-folder"), "MacIntel")).toEqual(["⌘", "O"]);
    expect(caps(shortcut("ship-folder"), "Linux x86_64")).toEqual(["Ctrl", "O"]);
    expect(caps(shortcut("close"))).toEqual(["Esc"]);
  });
});
