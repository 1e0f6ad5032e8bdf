import { render, type RenderResult } from "@testing-library/svelte";
import App from "../App.svelte";
import { setBackend } from "../lib/backend";
import { FakeBackend, type Scenario } from "../lib/backend/fake";
import { app } from "../lib/stores/app.svelte";
import { boards } from "../lib/stores/board.svelte";
import { drop } from "../lib/stores/drop.svelte";
import { fleet } from "../lib/stores/fleet.svelte";
import { jobs } from "../lib/stores/jobs.svelte";
import { offline } from "../lib/stores/offline.svelte";
import { toasts } from "../lib/stores/toasts.svelte";

let shown: FakeBackend | null = null;

/** Puts the stores back to how they are before the window opens. */
export function fresh(backend: FakeBackend): void {
  // Jobs of the window before must not tell this one about themselves.
  shown?.stop();
  shown = backend;
  setBackend(backend);
  app.view = "starting";
  app.workspaces = [];
  app.notices = [];
  app.error = null;
  app.overlay = null;
  app.channel = null;
  app.requestId = null;
  fleet.running = null;
  app.quitAsked = null;
  app.credentialsAsked = null;
  app.tests = {};
  app.choosing = false;
  app.startingSandbox = false;
  app.choosingOffline = false;
  boards.board = null;
  boards.error = null;
  boards.syncing = false;
  boards.refreshing = false;
  drop.cancel();
  offline.stop();
  offline.state = offline.requests = offline.review = offline.last = offline.error = offline.unreadable = null;
  offline.chosen = null;
  offline.setup = false;
  offline.way = "file";
  jobs.set([]);
  toasts.list = [];
}

/** Opens the whole window on a scenario of the sample engine. */
export async function open(
  scenario: Scenario,
  prepare: (backend: FakeBackend) => void = () => {},
): Promise<{ backend: FakeBackend } & RenderResult<typeof App>> {
  const backend = new FakeBackend(scenario, { pace: 1 });
  prepare(backend);
  fresh(backend);
  const page = render(App);
  await app.start();
  return { backend, ...page };
}
