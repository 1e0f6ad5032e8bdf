import { describe, expect, it } from "vitest";
import { isNativeMax, isNativeVersion, nativeWords, splitVersions } from "./native";

describe("native versions", () => {
  it("lowest and excluded versions are exact, the highest may end in x", () => {
    expect(["4.1.0", "0.0.1"].every(isNativeVersion)).toBe(true);
    expect(["4.1", "4.1.x", "04.1.0", "4.1.0-rc"].some(isNativeVersion)).toBe(false);
    expect(["4.2.x", "4.2.3", "4.x"].every(isNativeMax)).toBe(true);
    expect(["x", "4.x.1", "4.2"].some(isNativeMax)).toBe(false);
  });

  it("says one range once when both platforms agree", () => {
    const all = { min: null, max: null, exclude: [] };
    const range = { min: "4.1.0", max: "4.2.x", exclude: ["4.1.3"] };
    expect(nativeWords(all, all)).toBe("All native versions");
    expect(nativeWords(range, range)).toBe("4.1.0 – 4.2.x without 4.1.3");
    expect(nativeWords(range, all)).toBe("iOS 4.1.0 – 4.2.x without 4.1.3 · Android all");
  });

  it("splits what people type between versions", () => {
    expect(splitVersions("4.1.3, 4.1.4;4.1.5  ")).toEqual(["4.1.3", "4.1.4", "4.1.5"]);
    expect(splitVersions("  ")).toEqual([]);
  });
});
