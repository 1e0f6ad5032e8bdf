import type { IpcError } from "../../bindings/IpcError";
import type { Job } from "../../bindings/Job";
import type { JobObject } from "../../bindings/JobObject";
import type { JobTarget } from "../../bindings/JobTarget";
import { ago, digest } from "./data";

/** Sample data of an upload, in the order in which the engine lists it. */

const PATHS = [
  "index.html",
  "polyfills.77c0b1.js",
  "assets/i18n/sv.json",
  "main.8c41f0.js",
  "styles.e20d9a.css",
  "vendor.a92e11.js",
  "assets/map/tiles.css",
];
const SIZES = [1_300, 34_000, 41_000, 486_000, 61_000, 702_000, 18_000];

export const expired: IpcError = {
  code: "storage.credentials",
  message: "The storage refused the credentials: the session token has expired.",
  holds: "Nothing was changed. What was uploaded stays and is not sent again.",
  remedy: "Enter credentials that are valid now, then resume. AWS_* variables are read again at every try.",
  detail: "PUT bundles/06f2aa55.zip: 400 ExpiredToken",
  retryable: true,
  field: null,
};

interface Wish {
  /** Objects to write. */
  total: number;
  /** Those that are written. */
  done: number;
  /** Longer than any column. */
  longNames: boolean;
}

function object(index: number, state: string, sentShare: number, wish: Wish): JobObject {
  const folders = "a-folder-with-a-name-that-nobody-would-type/".repeat(4);
  const known = PATHS[index] ?? `assets/chunk-${String(index).padStart(4, "0")}.js`;
  const size = SIZES[index] ?? 12_000;
  const sha256 = digest((0x1000_0000 + index * 2_654_435).toString(16));
  return {
    name: `files/${sha256}`,
    path: wish.longNames ? folders + known : known,
    target: 0,
    sha256,
    size,
    sent: state === "done" ? size : Math.round(size * sentShare),
    state,
  };
}

/** At most 200 rows: what moves, then the newest finished, then the next queued. */
function objects(wish: Wish): JobObject[] {
  const { total, done } = wish;
  const moving = [0.27, 0.08].flatMap((share, at) =>
    done + at < total ? [object(done + at, "sending", share, wish)] : [],
  );
  const finished = Array.from({ length: Math.min(done, 99) }, (_, at) => object(done - 1 - at, "done", 1, wish));
  const next = done + moving.length;
  const queued = Array.from({ length: Math.max(0, Math.min(total - next, 99)) }, (_, at) =>
    object(next + at, "queued", 0, wish),
  );
  return [...moving, ...finished, ...queued];
}

export function target(more: Partial<JobTarget> = {}): JobTarget {
  return {
    role: "registry",
    name: "S3 bucket field-updates",
    address: "s3.eu-north.acme.example",
    state: "sending",
    bytesDone: 212_000,
    bytesTotal: 1_800_000,
    speed: 48_000,
    secondsLeft: 33,
    objectsDone: 3,
    objectsTotal: 53,
    retry: null,
    error: null,
    ...more,
  };
}

/** The mirror of the samples, which waits for its next try. */
export function mirror(more: Partial<JobTarget> = {}): JobTarget {
  return target({
    role: "mirror",
    name: "Folder sgp-edge",
    address: "file:///mnt/sgp-edge/ota",
    state: "retrying",
    bytesDone: 1_300,
    speed: 0,
    secondsLeft: null,
    objectsDone: 1,
    retry: { why: "Connection reset by server.", attempt: 2, of: 5, inMs: 8_000 },
    ...more,
  });
}

/** A ship job while it uploads; `more` makes other states of it. */
export function uploading(now: number, more: Partial<Job> = {}, wish: Partial<Wish> = {}): Job {
  const { total, done, longNames } = { total: 53, done: 3, longNames: false, ...wish };
  const own = target({ objectsTotal: total, objectsDone: done });
  return {
    id: "job-upload",
    kind: "ship",
    workspace: "acme",
    unit: "main",
    title: "Ship 4.2.7 to development",
    state: "running",
    phase: "upload",
    bytesDone: own.bytesDone,
    bytesTotal: own.bytesTotal,
    speed: own.speed,
    targets: [own, mirror({ objectsTotal: total })],
    objects: objects({ total, done, longNames }),
    objectsTotal: total,
    objectsDone: done,
    skippedObjects: 631,
    skippedBytes: 36_200_000,
    started: ago(now, 9_000),
    finished: null,
    error: null,
    receipt: null,
    undo: null,
    handle: null,
    channel: "development",
    ...more,
  };
}

/** How far an upload is that has sent a share of its bytes, for a job that moves. */
export function progressAt(share: number): Partial<Job> {
  const total = 53;
  const done = Math.floor(total * share);
  const bytesDone = Math.round(1_800_000 * share);
  // Never the same twice, as on a real line.
  const speed = 40_000 + Math.round(12_000 * Math.abs(Math.sin(share * 17)));
  const secondsLeft = Math.ceil((1_800_000 - bytesDone) / speed);
  const own = target({ bytesDone, speed, secondsLeft, objectsDone: done, state: share < 1 ? "sending" : "done" });
  return {
    bytesDone,
    bytesTotal: own.bytesTotal,
    speed,
    targets: [own],
    objects: objects({ total, done, longNames: false }),
    objectsTotal: total,
    objectsDone: done,
    skippedObjects: 631,
    skippedBytes: 36_200_000,
  };
}

const RETRY = { why: "Connection reset by server.", attempt: 2, of: 5, inMs: 8_000 };

/** Jobs that a sample window opens with, by scenario. */
export const uploads: Record<string, (now: number) => Job> = {
  uploading: (now) => uploading(now),
  retrying: (now) => uploading(now, { targets: [target({ state: "retrying", speed: 0, retry: RETRY }), mirror()] }),
  paused: (now) =>
    uploading(now, {
      state: "paused",
      targets: [target({ state: "paused", speed: 0 }), mirror({ state: "paused", retry: null })],
    }),
  expired: (now) =>
    uploading(now, {
      state: "failed",
      error: expired,
      finished: ago(now, 1_000),
      targets: [target({ state: "failed", speed: 0, error: expired })],
    }),
  "failed-mirror": (now) =>
    uploading(now, {
      targets: [
        target(),
        mirror({
          state: "failed",
          retry: null,
          error: {
            ...expired,
            code: "storage.unavailable",
            message: "The mirror did not answer in 5 tries.",
            remedy: "Check the network and the address.",
          },
        }),
      ],
    }),
  huge: (now) => uploading(now, {}, { total: 2_000, done: 812, longNames: true }),
};
