import type { Job } from "../../lib/bindings/Job";

/** Whole jobPercent of the bytes in this phase; nothing while the total is unknown. */
export function jobPercent(job: Pick<Job, "bytesDone" | "bytesTotal">): number | null {
  if (job.bytesTotal <= 0) return null;
  const share = Math.floor((job.bytesDone / job.bytesTotal) * 100);
  return Math.min(100, Math.max(0, share));
}

const PHASES: Record<string, string> = {
  read: "Reading",
  pack: "Packing",
  inspect: "Inspecting",
  sign: "Signing",
  upload: "Uploading",
  wait: "Can be undone for 5 s",
  publish: "Publishing",
  read_back: "Reading back",
  done: "Finished",
};

/** The phase in a word. */
export function phaseWord(phase: string): string {
  return PHASES[phase] ?? phase;
}

/** Nothing is committed yet, and for a few seconds a person may take it back. */
export function canUndo(job: Pick<Job, "state" | "phase">): boolean {
  return job.state === "running" && job.phase === "wait";
}

type Followed = Pick<Job, "state" | "phase"> & { targets?: Job["targets"] };

/** The registry waits for its next try. A mirror that does holds nothing up. */
export function isRetrying(job: Followed): boolean {
  return job.state === "running" && job.targets?.[0]?.state === "retrying";
}

/** The state in a word; a running job says its phase. */
export function stateWord(job: Followed): string {
  switch (job.state) {
    case "done":
      return "Finished";
    case "failed":
      return "Failed";
    case "cancelled":
      return "Cancelled";
    case "waiting":
      return "Waiting";
    case "paused":
      return "Paused";
    default:
      return isRetrying(job) ? "Retrying" : phaseWord(job.phase);
  }
}

export function isEnded(job: Pick<Job, "state">): boolean {
  return job.state === "done" || job.state === "failed" || job.state === "cancelled";
}

/** After this the metadata may be committed, so cancelling is no longer offered. */
export function canCancel(job: Pick<Job, "state" | "phase">): boolean {
  const open = job.state === "running" || job.state === "waiting" || job.state === "paused";
  return open && job.phase !== "read_back" && job.phase !== "done" && !canUndo(job);
}

/** Only what sends bytes can be held: a commit is too short for it and must not stop half-way. */
export function canPause(job: Pick<Job, "kind" | "state" | "phase">): boolean {
  const sends = job.kind === "ship" || job.kind === "promote";
  return sends && job.state === "running" && (job.phase === "sign" || job.phase === "upload");
}

/** A person may let it go on. */
export function canResume(job: Pick<Job, "state">): boolean {
  return job.state === "failed" || job.state === "waiting" || job.state === "paused";
}

/** "about 33 s", "about 4 min"; nothing while speed or size is unknown. */
export function timeLeft(job: Pick<Job, "bytesDone" | "bytesTotal" | "speed">): string | null {
  if (job.speed <= 0 || job.bytesTotal <= 0) return null;
  return about(Math.ceil(Math.max(0, job.bytesTotal - job.bytesDone) / job.speed));
}

/** "about 33 s", "about 4 min", "about 2 h". */
export function about(seconds: number): string {
  if (seconds < 60) return `about ${String(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `about ${String(minutes)} min` : `about ${String(Math.ceil(minutes / 60))} h`;
}

const STEPS = [25, 50, 75, 100];

/** The highest of 25, 50, 75 and 100 that is reached: all that a screen reader is told. */
export function announcedStep(share: number | null): number {
  if (share === null) return 0;
  return STEPS.reduce((reached, step) => (share >= step ? step : reached), 0);
}

/** What stands in the foot while a job is followed. Whether something was committed only the error knows. */
export function footSays(job: Pick<Job, "state" | "phase"> | undefined, noun: string): string {
  switch (job?.state) {
    case "paused":
      return "Paused. What was sent stays sent, and nothing moves until you resume.";
    case "failed":
      return "Nothing moves now. What still holds is said above.";
    case "cancelled":
      return "Cancelled. Devices get what they got before.";
    case "waiting":
      return "Waits until you say that it goes on.";
    default:
      if (job?.phase === "wait") return "Nothing is signed yet. It goes on by itself in a few seconds.";
      return `You can close Headgate. The ${noun} resumes after restart.`;
  }
}
