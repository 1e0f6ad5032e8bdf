import { describe, expect, it } from "vitest";
import { activityOf, sampleEntries } from "../../lib/backend/fake/activity";
import { dayLabel, entryText, firstLines, group, merge, NO_FILTER, verdictOf } from "./log";

const now = Date.parse("2026-07-16T14:02:00Z");

describe("the timeline", () => {
  it("keeps the order of the chain, whatever clocks say", () => {
    const entries = sampleEntries(now);
    const second = entries[1];
    if (second) second.at = new Date(now + 9e7).toISOString();
    const lines = merge(entries, activityOf(now, "pipeline", "new").local);
    const order = lines.flatMap((line) => line.entry?.number ?? []);
    expect(order).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(lines).toHaveLength(11);
    expect(lines[0]?.event?.kind).toBe("synced");
  });

  it("counts what the filter keeps back by day, and drops days of which nothing is left", () => {
    const lines = merge(sampleEntries(now), []);
    const { days, shown, hidden } = group(lines, { ...NO_FILTER, kind: "ship" }, now);
    expect(shown.map((line) => line.entry?.number)).toEqual([9, 2]);
    expect(hidden).toBe(7);
    expect(days[0]?.label).toBe(dayLabel(shown[0]?.at ?? "", now));
    expect(days[0]?.hidden).toBe(1);
    expect(days).toHaveLength(2);
  });

  it("names days as people do", () => {
    expect(dayLabel("2026-07-16T10:00:00", now)).toBe("Today, 16 July");
    expect(dayLabel("2026-07-15T10:00:00", now)).toBe("Wednesday, 15 July");
    expect(dayLabel("2025-07-15T10:00:00", now)).toBe("Tuesday, 15 July 2025");
  });

  it("draws the first lines of a long log", () => {
    const { days } = group(merge(sampleEntries(now), []), NO_FILTER, now);
    const some = firstLines(days, 3);
    expect(some.flatMap((day) => day.lines)).toHaveLength(3);
  });
});

describe("the verdict", () => {
  it("says what was read from where", () => {
    const fresh = verdictOf(activityOf(now, "pipeline", "anew"), now);
    expect(fresh.tone).toBe("ok");
    expect(fresh.text).toContain("All 9 entries checked");
    expect(fresh.text).toContain("Every file was read from storage.");
    expect(verdictOf(activityOf(now, "pipeline", "new"), now).text).toContain("from the copy of this computer");
  });

  it("is a warning offline and a danger when broken", () => {
    const away = verdictOf(activityOf(now, "offline", "new"), now);
    expect(away.tone).toBe("warn");
    expect(away.title).toContain("cached");
    const broken = verdictOf(activityOf(now, "broken", "new"), now);
    expect(broken.tone).toBe("danger");
    expect(broken.title).toContain("#4");
  });
});

it("copies an entry with its hashes", () => {
  const entry = sampleEntries(now).find(({ number }) => number === 5);
  if (!entry) throw new Error("no entry");
  const text = entryText(entry);
  expect(text).toContain("Mara Lindqvist advanced 4.2.4 in production to 25 %");
  expect(text).toContain("served in production: 4.2.4 at 10 % → 4.2.4 at 25 %");
  expect(text).toContain(entry.hash);
});
