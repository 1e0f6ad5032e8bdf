import { expect, test } from "vitest";
import { pieces, signed, signs } from "./words";

const strong = (title: string): string[] =>
  pieces(title)
    .filter((piece) => piece.strong)
    .map((piece) => piece.text);

test("release and channel stand out, and nothing of the title is lost", () => {
  for (const title of [
    "Promote 4.2.5 to production",
    "Approve 4.2.7 and 4.2.6 for production; change what production serves",
    "Approve build 8 for staging of portal",
    "Change the root of trust",
  ]) {
    expect(
      pieces(title)
        .map((piece) => piece.text)
        .join(""),
    ).toBe(title);
  }
  expect(strong("Promote 4.2.5 to production")).toEqual(["4.2.5", "production"]);
  expect(strong("Approve build 8 for staging of portal")).toContain("build 8");
  expect(strong("Change the root of trust; sign approvals of production")).toEqual(["production"]);
});

test("the button says what it signs", () => {
  expect(signs("Promote 4.2.5 to production")).toBe("Sign promotion");
  expect(signs("Change the root of trust")).toBe("Sign change");
});

test("differences carry their sign", () => {
  const bytes = (value: number): string => `${String(value)} B`;
  expect([signed(3, bytes), signed(-3, bytes), signed(0, bytes)]).toEqual(["+3 B", "−3 B", "same size"]);
});
