import { describe, expect, it } from "vitest";
import { uploading } from "../../lib/backend/fake/upload";
import type { JobObject } from "../../lib/bindings/JobObject";
import { objectLabel, objectRows, SHOWN } from "./objects";

const object = (state: string, name: string, target = 0): JobObject => ({
  name,
  path: null,
  target,
  sha256: "00",
  size: 10,
  sent: 0,
  state,
});

describe("rows of the objects", () => {
  it("are what was finished last, what moves, and what comes next", () => {
    const { rows, more, done, total } = objectRows(uploading(0));
    expect(rows.map((row) => row.state)).toEqual([
      ...["done", "done", "done"],
      ...["sending", "sending"],
      ...["queued", "queued"],
    ]);
    expect(rows[0]?.path).toBe("index.html");
    expect([done, total, more]).toEqual([3, 53, "46 more queued"]);
  });

  it("stay few with 2,000 objects, and count them all", () => {
    const { rows, more, done, total } = objectRows(uploading(0, {}, { total: 2000, done: 812 }));
    expect(rows).toHaveLength(SHOWN);
    expect([done, total, more]).toEqual([812, 2000, "1,184 more queued"]);
  });

  it("leave nothing out when there is room", () => {
    const targets = uploading(0).targets.slice(0, 1);
    const few = [object("queued", "a"), object("queued", "b"), object("skipped", "c")];
    const { rows, more, total } = objectRows({ ...uploading(0), targets: [], objectsTotal: 0, objects: few });
    expect(rows.map((row) => row.name)).toEqual(["a", "b"]);
    expect([more, total]).toEqual(["", 2]);
    const done = objectRows({ ...uploading(0, {}, { total: 4, done: 4 }), targets });
    expect(done.rows.every((row) => row.state === "done")).toBe(true);
  });

  it("show a mirror's object only while something is wrong with it", () => {
    const objects = [object("failed", "a", 1), object("sending", "b", 1), object("sending", "b")];
    const { rows } = objectRows({ ...uploading(0), objects });
    expect(rows.map(({ name, target }) => `${name}${String(target)}`)).toEqual(["a1", "b0"]);
  });

  it("never show more moving rows than there is room, and say so", () => {
    const objects = Array.from({ length: 9 }, (_, at) => object("failed", String(at)));
    expect(objectRows({ ...uploading(0), objects }).more).toContain("2 more at work");
  });
});

describe("names of objects", () => {
  it.each([
    [{ name: "files/00ff", path: "assets/a.js" }, "assets/a.js"],
    [{ name: "bundles/06f2.zip", path: null }, "Bundle, one zip"],
    [{ name: "inventories/06f2.json", path: null }, "Inventory of files"],
    [{ name: "targets/06f2.release.json", path: null }, "release.json"],
    [{ name: "metadata/18.main.development.json", path: null }, "main.development, version 18"],
    [{ name: "metadata/timestamp.json", path: null }, "timestamp"],
    [{ name: "something/new", path: null }, "something/new"],
  ])("%o is %s", (given, label) => {
    expect(objectLabel(given)).toBe(label);
  });
});
