import { expect, it } from "vitest";
import { ShipFake } from "../../test/ship-fake";
import type { Job } from "../../lib/bindings/Job";
import { jobs } from "../../lib/stores/jobs.svelte";
import { follow } from "./follow";
import { scripted } from "./testing";

async function sample(): Promise<Job> {
  const fake = new ShipFake({ tick: 60_000 });
  const request = { workspace: "acme", unit: "main", handle: "h", excludeSourceMaps: false };
  const started = await fake.handlers.inspect_start?.(request);
  const job = await fake.handlers.job?.({ job: started?.job ?? "" });
  if (!job) throw new Error("the sample engine knows its own job");
  return job;
}

it("an event that came while the job was read is not replaced by the older answer", async () => {
  const job = await sample();
  scripted(
    {},
    {
      job: () => {
        jobs.apply({ ...job, state: "done" });
        return Promise.resolve(job);
      },
    },
  );
  expect((await follow(job.id)).state).toBe("done");
  expect(jobs.get(job.id)?.state).toBe("done");
});

it("a job without an event is read once", async () => {
  const job = await sample();
  const sent = scripted({}, { job: () => Promise.resolve(job) });
  await follow(job.id);
  await follow(job.id);
  expect(sent.filter((one) => one.name === "job")).toHaveLength(1);
});
