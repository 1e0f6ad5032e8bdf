import { FakeBackend } from ".";
import { play } from "./play";
import type { Scenario } from "./scenario";

const connectSteps = ["connect", "storage-choose", "root-choose", "root-compared", "connect-test"];

/** Reads the scenario from the address: `?fake=offline`, and what to press: `&press=ship-build,ship-folder`. */
export function fakeFromAddress(query: URLSearchParams): FakeBackend {
  const fake = new FakeBackend((query.get("fake") ?? "welcome") as Scenario);
  fake.keys.upset(query.get("trouble"));
  fake.theme = query.get("theme") ?? "system";
  fake.finds = (query.get("finds") ?? "different") as FakeBackend["finds"];
  fake.folder = query.get("storage") ?? fake.folder;
  const at = query.get("at")?.split(":").map(Number);
  if (at) fake.at = { x: at[0] ?? 0, y: at[1] ?? 0 };
  setTimeout(() => fake.speak(20), 300);
  const pressed = query.get("press")?.split(",") ?? [];
  void play(query.get("fake") === "connect" ? [...connectSteps, ...pressed] : pressed);
  return fake;
}
