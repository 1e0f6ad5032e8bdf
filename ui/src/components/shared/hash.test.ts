import { render, screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { allEqual, differing } from "./hash";
import HashRows from "./HashRows.svelte";

const A = "06f2aa558d0240a44706e176d62d30882ab10469669e30a0f5da4fd7d1f785c6";
const B = `${A.slice(0, 4)}0000${A.slice(8)}`;

describe("equal bytes", () => {
  it("are the same SHA-256 in every row", () => {
    expect(
      allEqual([
        { label: "a", hex: A },
        { label: "b", hex: A.toUpperCase() },
      ]),
    ).toBe(true);
    expect(
      allEqual([
        { label: "a", hex: A },
        { label: "b", hex: B },
      ]),
    ).toBe(false);
  });

  it("are not proven by one row, by empty rows or by what is no SHA-256", () => {
    expect(allEqual([{ label: "a", hex: A }])).toBe(false);
    expect(
      allEqual([
        { label: "a", hex: "" },
        { label: "b", hex: "" },
      ]),
    ).toBe(false);
    expect(
      allEqual([
        { label: "a", hex: "abcd" },
        { label: "b", hex: "abcd" },
      ]),
    ).toBe(false);
  });

  it("names the groups that differ", () => {
    expect([
      ...differing([
        { label: "a", hex: A },
        { label: "b", hex: B },
      ]),
    ]).toEqual([1]);
  });

  it("are said only when computed, otherwise danger is said", async () => {
    const view = render(HashRows, {
      rows: [
        { label: "You signed", hex: A },
        { label: "Storage", hex: A },
      ],
    });
    expect(screen.getByText("Same bytes")).toBeTruthy();
    expect(screen.getAllByText("06f2")).toHaveLength(2);
    await view.rerender({
      rows: [
        { label: "You signed", hex: A },
        { label: "Storage", hex: B },
      ],
    });
    expect(screen.queryByText("Same bytes")).toBeNull();
    expect(screen.getByRole("alert").textContent).toContain("Not the same bytes");
    expect(screen.getByTestId("same-bytes").dataset.equal).toBe("false");
  });
});
