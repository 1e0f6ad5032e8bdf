import { expect, it, vi } from "vitest";
import { loadPlot } from "./chart";

it("loads under a POSIX locale, where WebKitGTK names a language that Intl refuses", async () => {
  vi.spyOn(navigator, "language", "get").mockReturnValue("C");
  expect(() => new Intl.NumberFormat(navigator.language)).toThrow(RangeError);
  expect(await loadPlot()).toBeTypeOf("function");
  expect(new Intl.NumberFormat(navigator.language).resolvedOptions().locale).toBe("en-US");
});
