import { call } from "../../lib/backend";
import type { Job } from "../../lib/bindings/Job";
import { jobs } from "../../lib/stores/jobs.svelte";

/**
 * Makes sure that a job is known. Events and answers travel separately: an event that came while the job was
 * being read is newer than the answer, so the answer must not replace it.
 */
export async function follow(id: string): Promise<Job> {
  const known = jobs.get(id);
  if (known) return known;
  const read = await call("job", { job: id });
  const told = jobs.get(id);
  if (told) return told;
  jobs.apply(read);
  return read;
}
