import type { Board } from "../../bindings/Board";
import type { Channel } from "../../bindings/Channel";
import type { CommandMap } from "../../bindings/CommandMap";
import type { Delivers } from "../../bindings/Delivers";
import type { Job } from "../../bindings/Job";
import type { SettingsPlan } from "../../bindings/SettingsPlan";
import type { StoragePlace } from "../../bindings/StoragePlace";
import type { Workspace } from "../../bindings/Workspace";
import type { Command } from "../backend";
import { signPlanKeys } from "./ship";

type Handlers = { [C in Command]?: (request: CommandMap[C][0]) => CommandMap[C][1] | Promise<CommandMap[C][1]> };
type Work = (kind: string, title: string, end: (job: Job, of: Workspace) => Partial<Job>) => string;

const place = (address: string, inVault: boolean): StoragePlace => ({
  address,
  kind: address.startsWith("s3://") ? "bucket" : "folder",
  inVault,
  behind: null,
});

const roles = [
  { role: "targets", before: 3, now: 4, says: "What releases put into storage", key: "mara vault" },
  { role: "snapshot", before: 41, now: 42, says: "This is the current state", key: "freshness" },
  { role: "timestamp", before: 118, now: 119, says: "It is current until 15 Aug", key: "freshness" },
];

const planOf = (plan: string, typeToConfirm: string | null, now: Channel | null = null): SettingsPlan => ({
  plan,
  roles,
  keys: signPlanKeys,
  problem: null,
  canAsk: false,
  missing: [],
  typeToConfirm,
  now,
});

/** What the storage of the sample workspaces is set to. */
export function settingsHandlers(
  workspace: (id: string) => Workspace,
  work: Work,
  boards: Map<string, Board>,
): Handlers {
  let delivers: Delivers = { zip: true, files: false };
  /** What the plan that was made last does once it is signed. */
  let sign: () => void = () => {};
  let mirrors: StoragePlace[] = [];
  return {
    storage_settings: (request) => {
      const { storage, publicUrl } = workspace(request.workspace);
      return { place: place(storage, true), publicUrl, mirrors, delivers };
    },
    deliver_prepare: (request) => {
      sign = () => (delivers = request.delivers);
      return planOf("deliver", null);
    },
    channel_prepare: (request) => {
      const board = boards.get(request.workspace);
      const channel = board?.channels.find((known) => known.id === request.channel);
      sign = () => {
        if (!board || !channel) return;
        const now = {
          ...channel,
          confirm: request.confirm ?? channel.confirm,
          startPermille: request.startPermille ?? channel.startPermille,
          minHours: request.minHours ?? channel.minHours,
          gate: request.gate ? request.gate.limit : channel.gate,
        };
        const channels = board.channels.map((known) => (known.id === now.id ? now : known));
        boards.set(request.workspace, { ...board, channels });
      };
      return planOf("channel", channel?.confirm === "typed" ? channel.id : null, channel);
    },
    settings_start: () => ({
      job: work("settings", "Change settings", () => {
        sign();
        return {};
      }),
    }),
    mirror_add: ({ storage, credentials }) => {
      mirrors = [...mirrors, place(storage, credentials !== null)];
      return { job: work("mirror", `Bring the mirror ${storage} up to date`, () => ({})) };
    },
    mirror_sync: ({ address }) => ({ job: work("mirror", `Bring the mirror ${address} up to date`, () => ({})) }),
    mirror_remove: ({ address }) => {
      mirrors = mirrors.filter((mirror) => mirror.address !== address);
      return {};
    },
    set_letters: () => ({}),
    uploads_sweep: () => ({ givenUp: ["bundles/1f8a.zip"], kept: 1 }),
  };
}
