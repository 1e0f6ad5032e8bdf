import { toIpcError } from "../../lib/backend";
import type { Job } from "../../lib/bindings/Job";
import { jobs } from "../../lib/stores/jobs.svelte";
import { toasts } from "../../lib/stores/toasts.svelte";
import { canUndo } from "../ship/progress";

/** Jobs that were confirmed and can still be undone, newest first. */
export function undoable(): Job[] {
  return jobs.list.filter(canUndo);
}

/** Asks nothing: the seconds are short, and what is undone can be started again. */
export async function undo(id: string): Promise<void> {
  try {
    await jobs.cancel(id);
  } catch (thrown) {
    toasts.error(toIpcError(thrown));
  }
}
