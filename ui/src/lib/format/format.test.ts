import { describe, expect, it } from "vitest";
import {
  age,
  bytes,
  clock,
  commit7,
  count,
  duration,
  hash8,
  hashGroups,
  moment,
  percent,
  plural,
  shortAge,
  until,
} from ".";

const now = Date.parse("2026-07-16T14:02:00Z");
const ago = (ms: number): string => new Date(now - ms).toISOString();
const min = 60_000;
const h = 60 * min;
const d = 24 * h;

describe("numbers", () => {
  it("groups thousands", () => {
    expect(count(17531)).toBe("17,531");
  });

  it("counts one thing in the singular", () => {
    expect([plural(1, "signature"), plural(2, "signature")]).toEqual(["1 signature", "2 signatures"]);
  });

  it.each([
    [0, "0 B"],
    [812, "812 B"],
    [1_300, "1.3 KB"],
    [61_000, "61 KB"],
    [999_600, "1.0 MB"],
    [1_800_000, "1.8 MB"],
    [38_000_000, "38.0 MB"],
  ])("writes %i bytes as %s", (value, text) => {
    expect(bytes(value)).toBe(text);
  });

  it("keeps a share and its sign on one line", () => {
    expect(percent(250)).toBe("25\u00a0%");
    expect(percent(5)).toBe("0.5\u00a0%");
    expect(percent(1000)).toBe("100\u00a0%");
  });

  it.each([
    [38, "38 ms"],
    [1400, "1.4 s"],
    [52_000, "52 s"],
    [200_000, "3 min 20 s"],
    [120_000, "2 min"],
  ])("writes %i ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe("time", () => {
  it.each([
    [10_000, "just now", "now"],
    [38 * min, "38 min ago", "38 min"],
    [5 * h, "5 h ago", "5 h"],
    [26 * h, "1 day ago", "1 d"],
    [9 * d, "9 days ago", "9 d"],
  ])("says an age of %i ms as %s", (ms, long, short) => {
    expect(age(ago(ms), now)).toBe(long);
    expect(shortAge(ago(ms), now)).toBe(short);
  });

  it("gives the date when something is older than a month", () => {
    expect(age("2026-01-12T12:00:00Z", now)).toBe("12 Jan 2026");
  });

  it("rounds what is left down, so that nothing is promised", () => {
    expect(until(ago(-3 * d - 23 * h), now)).toBe("3 days");
    expect(until(ago(-1 * d), now)).toBe("1 day");
    expect(until(ago(-90 * min), now)).toBe("1 h");
    expect(until(ago(5), now)).toBe("now");
  });

  it("leaves the date out for today and the year out for this year", () => {
    const today = new Date(now).toISOString();
    expect(moment(today, now)).toBe(clock(today));
    expect(moment("2026-03-02T12:00:00Z", now)).toMatch(/^2 Mar \d\d:00$/);
    expect(moment("2025-03-02T12:00:00Z", now)).toMatch(/^2 Mar 2025 /);
  });
});

describe("hashes", () => {
  it("shows 8 digits in lists and groups of four where a person decides", () => {
    expect(hash8("1d5050ae447a058e")).toBe("1d50 50ae");
    expect(hashGroups("1d5050ae447a")).toEqual(["1d50", "50ae", "447a"]);
    expect(commit7("689441f2ad0f")).toBe("689441f");
  });
});
