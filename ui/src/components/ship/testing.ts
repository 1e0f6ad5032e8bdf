import { setBackend, type Command } from "../../lib/backend";
import { ShipFake, type ShipHandlers, type ShipScript } from "../../test/ship-fake";
import type { Board } from "../../lib/bindings/Board";
import type { CommandMap } from "../../lib/bindings/CommandMap";
import type { Gate } from "../../lib/bindings/Gate";
import type { Picked } from "../../lib/bindings/Picked";
import type { Unit } from "../../lib/bindings/Unit";
import type { Workspace } from "../../lib/bindings/Workspace";
import { jobs } from "../../lib/stores/jobs.svelte";

/** A request that the window sent. */
export interface Sent {
  name: Command;
  request: unknown;
}

/** Sets a scripted engine for one test; `change` replaces single answers. Returns what the window sends. */
export function scripted(script: Partial<ShipScript> = {}, change: Partial<ShipHandlers> = {}): Sent[] {
  const fake = new ShipFake({ tick: 1, ...script });
  const sent: Sent[] = [];
  jobs.set([]);
  fake.listen((event) => {
    if (event.type === "job") jobs.apply(event.data);
  });
  const handlers = { ...fake.handlers, ...change };
  setBackend({
    invoke<C extends Command>(name: C, request: CommandMap[C][0]): Promise<CommandMap[C][1]> {
      sent.push({ name, request });
      const handler = handlers[name] as ((asked: CommandMap[C][0]) => Promise<CommandMap[C][1]>) | undefined;
      return handler ? handler(request) : Promise.reject(new Error(`no answer to ${name}`));
    },
    subscribe: () => Promise.resolve(),
  });
  return sent;
}

/** The last request of a kind. */
export function last<C extends Command>(sent: Sent[], name: C): CommandMap[C][0] | undefined {
  return sent.filter((one) => one.name === name).at(-1)?.request as CommandMap[C][0] | undefined;
}

export const unit: Unit = { id: "main", label: "Main bundle" };

export const workspace: Workspace = {
  id: "acme",
  app: "com.acme.field",
  name: "Acme Field",
  storage: "file:///srv/ota",
  publicUrl: null,
  sandbox: false,
  units: [unit],
  vault: { kind: "os", label: "Secret Service", why: null },
  sampleBuild: null,
  waiting: null,
};

export const item: Picked = {
  handle: "picked-1",
  name: "www",
  kind: "folder",
  ok: true,
  says: "folder with index.html",
};

function channel(id: string, label: string, stage: string): Board["channels"][number] {
  return {
    id,
    label,
    stage,
    signatures: 1,
    confirm: stage === "live" ? "typed" : "plain",
    startPermille: stage === "live" ? 10 : 1000,
    minHours: stage === "live" ? 24 : 0,
    gate: stage === "live" ? { minSample: 500, maxFailurePermille: 10 } : null,
    validity: null,
    current: null,
    previous: [],
    served: false,
    frozen: null,
  };
}

export const gate: Gate = {
  from: "staging",
  to: "production",
  state: "open",
  label: "Ready",
  reason: "",
  build: 1308,
};

export const board: Board = {
  workspace: "acme",
  unit,
  asOf: null,
  offline: null,
  freshness: null,
  channels: [
    channel("development", "Development", "internal"),
    channel("staging", "Staging", "test"),
    channel("production", "Production", "live"),
  ],
  gates: [gate],
  devicesKnown: false,
};
