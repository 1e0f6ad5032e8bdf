import type { Job } from "../../lib/bindings/Job";
import type { JobRetry } from "../../lib/bindings/JobRetry";
import type { JobTarget } from "../../lib/bindings/JobTarget";
import { phaseWord } from "./progress";

/** Where a job's bytes go. A job that has not come so far yet names no place, so the workspace's storage stands in. */
export function targetsOf(job: Job, storage: string): JobTarget[] {
  if (job.targets.length > 0) return job.targets;
  return [
    {
      role: "registry",
      name: "Storage",
      address: storage,
      state: job.state === "running" ? "sending" : job.state,
      bytesDone: job.bytesDone,
      bytesTotal: job.bytesTotal,
      speed: job.speed,
      secondsLeft: null,
      objectsDone: job.objectsDone,
      objectsTotal: job.objectsTotal,
      retry: null,
      error: null,
    },
  ];
}

/** Mirrors that did not get everything. The release is live without them. */
export function failedMirrors(job: Pick<Job, "targets"> | undefined): JobTarget[] {
  return job?.targets.filter((target) => target.role === "mirror" && target.state === "failed") ?? [];
}

/** What a target does, for its status. */
export type TargetState =
  "working" | "sending" | "queued" | "retrying" | "paused" | "waiting" | "done" | "failed" | "cancelled";

const KNOWN = new Set<string>(["sending", "queued", "retrying", "paused", "done", "failed"]);

/** The state to show. What the job does counts over what its target was last told to do. */
export function targetState(job: Pick<Job, "state" | "phase">, target: Pick<JobTarget, "state" | "role">): TargetState {
  if (target.state === "failed" || target.state === "done") {
    // The registry's objects are there, and the job goes on to commit.
    const onward = target.role !== "mirror" && target.state === "done" && job.state === "running";
    return onward && job.phase !== "upload" ? "working" : target.state;
  }
  if (job.state === "paused" || job.state === "waiting" || job.state === "cancelled") return job.state;
  if (job.state === "failed") return target.role === "mirror" ? "queued" : "failed";
  if (job.state === "done") return "done";
  if (target.role !== "mirror" && job.phase !== "upload" && target.state !== "retrying") return "working";
  return KNOWN.has(target.state) ? (target.state as TargetState) : "sending";
}

const WORDS: Record<TargetState, string> = {
  working: "Working",
  sending: "Uploading",
  queued: "Queued",
  retrying: "Retrying",
  paused: "Paused",
  waiting: "Waiting",
  done: "Uploaded",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** The state in a word. */
export function targetWord(job: Pick<Job, "state" | "phase">, state: TargetState): string {
  if (job.state === "done") return "Finished";
  return state === "working" ? phaseWord(job.phase) : WORDS[state];
}

/** Whole percent of a target; nothing while its size is unknown. */
export function targetPercent(target: Pick<JobTarget, "bytesDone" | "bytesTotal">): number | null {
  if (target.bytesTotal <= 0) return null;
  return Math.min(100, Math.max(0, Math.floor((target.bytesDone / target.bytesTotal) * 100)));
}

/** "Connection reset by server. Try 2 of 5, next in 8 s." `leftMs`: until the try, now. */
export function retrySays(retry: JobRetry, leftMs: number): string {
  const why = /[.!?]$/.test(retry.why.trim()) ? retry.why.trim() : `${retry.why.trim()}.`;
  const seconds = Math.ceil(leftMs / 1000);
  const next = seconds > 0 ? `next in ${String(seconds)} s` : "now";
  return `${why} Try ${String(retry.attempt)} of ${String(retry.of)}, ${next}.`;
}

/** Points of a sparkline in a box, the newest at the right edge. */
export function sparkPoints(values: number[], width: number, height: number): string {
  const top = Math.max(...values, 1);
  const step = values.length > 1 ? width / (values.length - 1) : width;
  return values
    .map((value, index) => {
      // A pixel of room, so that the line is not cut at its highest point.
      const y = height - 1 - (Math.max(0, value) / top) * (height - 2);
      return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
