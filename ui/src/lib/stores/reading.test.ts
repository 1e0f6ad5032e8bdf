import { expect, it } from "vitest";
import type { Backend } from "../backend";
import { setBackend } from "../backend";
import { offline } from "../backend/fake/data";
import { Reading } from "./reading.svelte";

/** An engine whose answers wait until the test lets them go. */
function held() {
  const asked: { request: unknown; answer: (value: unknown) => void; refuse: (error: unknown) => void }[] = [];
  const backend: Backend = {
    invoke: (_, request) =>
      new Promise((answer, refuse) => asked.push({ request, answer: answer as (value: unknown) => void, refuse })),
    subscribe: () => Promise.resolve(),
  };
  setBackend(backend);
  return asked;
}

const of = (unit: string) => ({ workspace: "acme", unit });
const settle = (): Promise<void> => new Promise((done) => setTimeout(done));

it("shows every answer although changes come faster, and asks once more for the last of them", async () => {
  const asked = held();
  const reading = new Reading("rollouts");
  void reading.ask(of("main"));
  for (let change = 0; change < 5; change += 1) void reading.ask(of("main"));
  expect(asked.length).toBe(1);
  asked[0]?.answer({ rows: ["first"] });
  await settle();
  expect(reading.value).toEqual({ rows: ["first"] });
  expect(asked.length).toBe(2);
  asked[1]?.answer({ rows: ["second"] });
  await settle();
  expect(reading.value).toEqual({ rows: ["second"] });
  expect(asked.length).toBe(2);
  expect(reading.busy).toBe(false);
});

it("shows nothing old under a new title, and drops answers to older questions", async () => {
  const asked = held();
  const reading = new Reading("rollouts");
  void reading.ask(of("main"));
  asked[0]?.answer({ rows: ["main"] });
  await settle();
  void reading.ask(of("portal"));
  expect(reading.value).toBeNull();
  void reading.ask(of("main"));
  asked[1]?.answer({ rows: ["portal"] });
  await settle();
  expect(reading.value).toBeNull();
  asked[2]?.answer({ rows: ["main again"] });
  await settle();
  expect(reading.value).toEqual({ rows: ["main again"] });
});

it("keeps what it has when the same question fails, and says why", async () => {
  const asked = held();
  const reading = new Reading("rollouts");
  void reading.ask(of("main"));
  asked[0]?.answer({ rows: ["main"] });
  await settle();
  void reading.ask(of("main"));
  asked[1]?.refuse(offline);
  await settle();
  expect(reading.value).toEqual({ rows: ["main"] });
  expect(reading.error?.code).toBe("storage.missing");
});
