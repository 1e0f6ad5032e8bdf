import { describe, expect, it } from "vitest";
import type { Adoption } from "../../lib/bindings/Adoption";
import { adoptionSays, colourOf, flags, haltedSpans, layers, spread, ticks, timeSays, totals } from "./adoption";

const day = 86_400;
const start = Date.parse("2026-07-03T12:00:00Z") / 1000;

const adoption: Adoption = {
  by: "day",
  times: [start, start + day, start + 2 * day, start + 3 * day],
  series: [
    { label: "Embedded", build: null, devices: [20, 20, 10, 10] },
    { label: "4.2.3", build: 1294, devices: [80, 70, 60, 40] },
    { label: "4.2.4", build: 1301, devices: [0, 10, 30, 50] },
  ],
  marks: [
    { at: start + day, kind: "start", says: "Promoted 1 %" },
    { at: start + 2 * day, kind: "halt", says: "Halted" },
    { at: start + 2.5 * day, kind: "resume", says: "Resumed" },
  ],
};

describe("the stack", () => {
  it("has the newest release at the bottom and ends at 100 %", () => {
    const stack = layers(adoption, 100);
    expect(stack.map((layer) => layer.label)).toEqual(["4.2.4", "4.2.3", "Embedded"]);
    expect(stack[0]?.tops).toEqual([0, 10, 30, 50]);
    expect(stack[2]?.tops.map((top) => Math.round(top ?? -1))).toEqual([100, 100, 100, 100]);
    expect(totals(adoption, 100)).toEqual([100, 100, 100, 100]);
  });

  it("leaves a hole where no device was counted, instead of a share of nothing", () => {
    const empty = { ...adoption, series: adoption.series.map((one) => ({ ...one, devices: [0, 1, 1, 1] })) };
    for (const layer of layers(empty, 3)) {
      expect(layer.shares[0]).toBeNull();
      expect(layer.tops[0]).toBeNull();
    }
  });

  it("by the minute is the newest release out of all devices of the channel", () => {
    const minutes: Adoption = { ...adoption, by: "minute", series: [adoption.series[2]!] };
    expect(layers(minutes, 200)[0]?.shares).toEqual([0, 0.05, 0.15, 0.25]);
    // More than were counted in the window cannot be a share over everything.
    expect(layers(minutes, 10)[0]?.tops.at(-1)).toBe(100);
  });

  it("by the minute has what the others run above it, up to all devices", () => {
    const minutes: Adoption = {
      ...adoption,
      by: "minute",
      series: [
        { label: "4.2.3, others", build: null, devices: [200, 190, 170, 150] },
        { label: "4.2.4", build: 1301, devices: [0, 10, 30, 50] },
      ],
    };
    const stack = layers(minutes, 200);
    expect(stack.map(({ label, colour }) => [label, colour])).toEqual([
      ["4.2.4", 1],
      ["4.2.3, others", 2],
    ]);
    expect(stack[1]?.tops).toEqual([100, 100, 100, 100]);
  });

  it("gives neighbours different colours", () => {
    for (const of of [1, 2, 3, 4, 5, 9]) {
      const colours = Array.from({ length: of }, (_, index) => colourOf(index, of));
      for (let index = 1; index < of; index += 1) expect(colours[index]).not.toBe(colours[index - 1]);
    }
  });
});

describe("halted spans", () => {
  it("end with whatever was signed next", () => {
    expect(haltedSpans(adoption)).toEqual([{ from: start + 2 * day, to: start + 2.5 * day }]);
  });

  it("go on to the end while nothing was signed, and a halt after a stop by the gate is the same span", () => {
    const marks = [
      { at: start + day, kind: "gate", says: "Stopped by gate" },
      { at: start + 1.2 * day, kind: "halt", says: "Halted" },
    ];
    expect(haltedSpans({ ...adoption, marks })).toEqual([{ from: start + day, to: start + 3 * day }]);
  });
});

describe("flags", () => {
  it("stand where they happened", () => {
    expect(flags(adoption, 900).map((flag) => Math.round(flag.left))).toEqual([33, 67, 83]);
  });

  it.each([120, 200, 262, 400, 640, 1200])("never cover each other's words at %i pixels", (width) => {
    const marks = Array.from({ length: 7 }, (_, index) => ({
      at: start + (index * 3 * day) / 7,
      kind: index % 2 ? "share" : "halt",
      says: index % 2 ? "25 %" : "Stopped by gate",
    }));
    const placed = flags({ ...adoption, marks }, width);
    expect(placed.length).toBe(7);
    const words = placed
      .filter((flag) => !flag.bare)
      .map((flag) => {
        const x = (flag.left / 100) * width;
        const wide = flag.says.length * 6.2 + (flag.kind === "share" ? 12 : 28);
        return { lane: flag.lane, from: flag.flip ? x - wide : x, to: flag.flip ? x : x + wide, x };
      });
    for (const [index, one] of words.entries()) {
      for (const other of words.slice(index + 1)) {
        if (one.lane === other.lane) expect(one.to <= other.from || other.to <= one.from).toBe(true);
      }
      // A line that passes the lane of a word does not run through it.
      for (const flag of placed.filter((known) => one.lane === 0 || (known.lane === 1 && !known.bare))) {
        const x = (flag.left / 100) * width;
        expect(x === one.x || x <= one.from || x >= one.to).toBe(true);
      }
    }
  });

  it("put what happened on the day that still goes on at its end", () => {
    const marks = [{ at: start + 3.6 * day, kind: "halt", says: "Halted" }];
    expect(flags({ ...adoption, marks }, 600)).toMatchObject([{ left: 100, flip: true, bare: false }]);
  });

  it("leaves out what lies before the first count", () => {
    const marks = [{ at: start - day, kind: "start", says: "Promoted 1 %" }];
    expect(flags({ ...adoption, marks }, 600)).toEqual([]);
  });
});

describe("words of the chart", () => {
  it("keeps the names at the right apart, and within the chart", () => {
    const places = spread([1, 2, 50, 97, 99], 8);
    for (let index = 1; index < places.length; index += 1)
      expect((places[index] ?? 0) - (places[index - 1] ?? 0)).toBeGreaterThanOrEqual(7.999);
    expect(Math.max(...places)).toBeLessThanOrEqual(100);
  });

  it("says the whole curve in a sentence", () => {
    const says = adoptionSays(adoption, 100);
    expect(says).toContain("4.2.4 from 0\u00a0% to 50.0\u00a0%");
    expect(says).toContain("Halted at 5 Jul");
  });

  it("writes fewer times below a narrow chart", () => {
    expect(ticks(adoption, 130).length).toBeLessThan(ticks(adoption, 900).length);
    expect(timeSays({ by: "minute" }, start)).toMatch(/^\d\d:00$/);
  });
});
