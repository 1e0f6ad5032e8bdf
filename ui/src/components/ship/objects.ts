import type { Job } from "../../lib/bindings/Job";
import type { JobObject } from "../../lib/bindings/JobObject";
import { count } from "../../lib/format";

/** Rows on screen: what fits beside the cards; the rest is a number. */
export const SHOWN = 7;
/** Finished rows that stay above what moves. */
const BEFORE = 3;

const MOVING = new Set(["sending", "retrying", "failed"]);

/** What the table shows, in order: the newest finished, what moves or failed, what comes next. */
export interface ObjectRows {
  rows: JobObject[];
  /** Finished and all to write, skipped ones left out. */
  done: number;
  total: number;
  /** "46 more queued"; empty = nothing is left out. */
  more: string;
}

/** Chooses the rows. Objects of a mirror stand in the list only while something is wrong with them. */
export function objectRows(job: Job): ObjectRows {
  const listed = job.objects.filter(
    (object) => object.state !== "skipped" && (object.target === 0 || ["retrying", "failed"].includes(object.state)),
  );
  const moving = listed.filter((object) => MOVING.has(object.state));
  const finished = listed.filter((object) => object.state === "done");
  const queued = listed.filter((object) => !MOVING.has(object.state) && object.state !== "done");
  const own = (of: JobObject[]): number => of.filter((object) => object.target === 0).length;

  // The registry counts for itself: the job's own figures may hold every mirror's copies too.
  const counts = job.targets[0] ?? job;
  const total = counts.objectsTotal > 0 ? counts.objectsTotal : own(listed);
  const done = counts.objectsTotal > 0 ? counts.objectsDone : own(finished);

  const between = moving.slice(0, SHOWN);
  const room = SHOWN - between.length;
  const after = Math.min(queued.length, room - Math.min(BEFORE, finished.length, room));
  const before = Math.min(finished.length, room - after);
  const rows = [...finished.slice(0, before).reverse(), ...between, ...queued.slice(0, after)];

  const left = Math.max(0, total - done - own(moving) - after);
  const more = [
    moving.length > between.length ? `${count(moving.length - between.length)} more at work` : "",
    left > 0 ? `${count(left)} more queued` : "",
  ];
  return { rows, done, total, more: more.filter(Boolean).join(" · ") };
}

/** A name that a person can read: the path in the web build, or what the registry's name stands for. */
export function objectLabel(object: Pick<JobObject, "name" | "path">): string {
  if (object.path) return object.path;
  const { name } = object;
  if (name === "metadata/timestamp.json") return "timestamp";
  const role = /^metadata\/(\d+)\.(.+)\.json$/.exec(name);
  if (role) return `${role[2] ?? ""}, version ${role[1] ?? ""}`;
  if (/^bundles\/[0-9a-f]+\.zip$/.test(name)) return "Bundle, one zip";
  if (/^inventories\/[0-9a-f]+\.json$/.test(name)) return "Inventory of files";
  const document = /^targets\/[0-9a-f]+\.(.+)$/.exec(name);
  if (document?.[1]) return document[1];
  return name;
}
