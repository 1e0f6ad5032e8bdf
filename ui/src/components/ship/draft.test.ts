import { describe, expect, it } from "vitest";
import { inspectionData } from "../../test/ship-data";
import type { Finding } from "../../lib/bindings/Finding";
import {
  blocking,
  closedBecause,
  draftOf,
  fieldErrors,
  fieldOf,
  preflightSummary,
  requestOf,
  withAllow,
  withoutAllow,
} from "./draft";

const inspection = inspectionData("h", "www", false, "2026-07-19T14:03:00Z");
const start = () => draftOf(inspection, "development");

function finding(part: Partial<Finding>): Finding {
  return {
    code: "secret.token",
    severity: "error",
    title: "t",
    text: "",
    path: "a.js",
    line: 1,
    fix: "",
    allowable: true,
    ...part,
  };
}

describe("fields", () => {
  it("takes what semantic versioning takes and nothing else", () => {
    for (const version of ["4.2.7", "0.0.0", "1.0.0-rc.1", "1.0.0+b7"]) {
      expect(fieldErrors({ ...start(), version }).version, version).toBeUndefined();
    }
    for (const version of ["", "4.2", "v4.2.7", "4.02.7", "4.2.7-", "4.2.7 x"]) {
      expect(fieldErrors({ ...start(), version }).version, version).toBeDefined();
    }
  });

  it("takes an empty build as the next free one and refuses what is no number", () => {
    expect(fieldErrors({ ...start(), build: "" }).build).toBeUndefined();
    expect(requestOf({ ...start(), build: " " }, inspection, "w", "main").build).toBeNull();
    for (const build of ["0", "-1", "1.5", "12a", "4294967296"]) {
      expect(fieldErrors({ ...start(), build }).build, build).toBeDefined();
    }
  });

  it("names the platform whose native range is wrong", () => {
    const draft = { ...start(), android: { min: "4.1", max: null, exclude: [] } };
    expect(fieldErrors(draft).native).toMatch(/^Android/);
  });

  it("asks for a name only when the author is to be named", () => {
    expect(fieldErrors(start()).author).toBeUndefined();
    expect(fieldErrors({ ...start(), nameAuthor: true }).author).toBeDefined();
    const named = { ...start(), author: "Mara" };
    expect(requestOf(named, inspection, "w", "main").author).toBeNull();
    expect(requestOf({ ...named, nameAuthor: true }, inspection, "w", "main").author).toBe("Mara");
  });

  it("maps both platforms of an engine error to the one native field", () => {
    expect(fieldOf("ios.min")).toBe("native");
    expect(fieldOf("handle")).toBeNull();
  });
});

describe("findings", () => {
  it("an error blocks until it is allowed, and again when that is undone", () => {
    const one = finding({});
    const allow = withAllow([], one, "  a reason ");
    expect(blocking([one], [])).toEqual([one]);
    expect(blocking([one], allow)).toEqual([]);
    expect(allow[0]?.reason).toBe("a reason");
    expect(blocking([one], withoutAllow(allow, one))).toEqual([one]);
  });

  it("allowing a finding in one file does not allow it in another", () => {
    const allow = withAllow([], finding({ path: "a.js" }), "r");
    expect(blocking([finding({ path: "b.js" })], allow)).toHaveLength(1);
  });

  it("an error that makes a broken bundle stays closed whatever was allowed", () => {
    const broken = finding({ code: "build.no_index", allowable: false });
    expect(blocking([broken], [{ code: "build.no_index", path: null, reason: "r" }])).toHaveLength(1);
    expect(closedBecause(start(), [broken])).toMatch(/must be fixed/);
  });

  it("warnings never block", () => {
    expect(closedBecause(start(), [finding({ severity: "warning" })])).toBeNull();
  });

  it("a reason for a finding that is gone is not signed", () => {
    const draft = { ...start(), allow: withAllow([], finding({ code: "other.code" }), "r") };
    expect(requestOf(draft, inspection, "w", "main").allow).toEqual([]);
  });

  it("sums up what is open, allowed, warned and passed", () => {
    const open = preflightSummary(inspection.findings, [], 9);
    expect(open).toBe("1 error · 2 warnings · 9 more checks passed");
    const first = inspection.findings[0];
    if (!first) throw new Error("sample has findings");
    expect(preflightSummary(inspection.findings, withAllow([], first, "r"), 9)).toMatch(/^1 error allowed/);
    expect(preflightSummary([], [], 1)).toBe("1 check passed");
  });
});
