import { describe, expect, it } from "vitest";
import css from "./tokens.css?raw";

/** Plain colours of a theme: name → hex. */
function tokens(theme: string): Map<string, string> {
  const from = css.search(new RegExp(`data-theme=.${theme}.] {`));
  const block = css.slice(from, css.indexOf("\n}", from));
  return new Map([...block.matchAll(/--(c-[a-z0-9-]+): (#[0-9a-f]{6});/g)].map((found) => [found[1]!, found[2]!]));
}

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [hi = 0, lo = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (hi + 0.05) / (lo + 0.05);
}

const surfaces = ["c-bg", "c-sidebar", "c-surface", "c-sunken", "c-raised"];
const texts = ["c-text", "c-text-2", "c-text-3", "c-accent-text", "c-ok", "c-warn", "c-danger"];
const onFill: [string, string][] = [
  ["c-on-accent", "c-accent"],
  ["c-on-danger", "c-danger-fill"],
  ["c-on-frame", "c-frame"],
  ["c-on-frame-2", "c-frame"],
  ["c-ok", "c-ok-tint"],
  ["c-warn", "c-warn-tint"],
  ["c-danger", "c-danger-tint"],
  ["c-accent-text", "c-accent-tint"],
  ["c-text", "c-warn-tint"],
  ["c-text-2", "c-danger-tint"],
];
const marks = ["c-border-control", "c-focus", "c-ok-fill", "c-warn-fill"];

describe.each(["light", "dark", "contrast"])("the %s theme", (theme) => {
  const known = tokens(theme);
  const of = (name: string): string => known.get(name) ?? expect.fail(`no ${name} in ${theme}`);

  it("has text of at least 4.5 to 1 on every surface", () => {
    for (const text of texts) {
      for (const surface of surfaces) {
        expect(contrast(of(text), of(surface)), `${text} on ${surface}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  it("has text of at least 4.5 to 1 on fills and tints", () => {
    for (const [text, fill] of onFill) {
      expect(contrast(of(text), of(fill)), `${text} on ${fill}`).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("has fills, focus and control borders of at least 3 to 1", () => {
    for (const mark of marks) {
      expect(contrast(of(mark), of("c-surface")), mark).toBeGreaterThanOrEqual(3);
    }
  });
});
