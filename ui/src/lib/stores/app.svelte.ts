import type { AppState } from "../bindings/AppState";
import type { ConnectTest } from "../bindings/ConnectTest";
import type { Event } from "../bindings/Event";
import type { Gate } from "../bindings/Gate";
import type { IpcError } from "../bindings/IpcError";
import type { Job } from "../bindings/Job";
import type { Picked } from "../bindings/Picked";
import type { Unit } from "../bindings/Unit";
import type { Workspace } from "../bindings/Workspace";
import type { KeyAsked } from "../../components/keys/words";
import type { SettingsAsked } from "../../components/settings/words";
import { backend, call, toIpcError } from "../backend";
import { boards } from "./board.svelte";
import { clock } from "./clock.svelte";
import { drop, type Drop, type ReleaseRef } from "./drop.svelte";
import { jobs } from "./jobs.svelte";
import { letters } from "./letters.svelte";
import { theme } from "./theme.svelte";
import { gateOf, jobOf, toasts } from "./toasts.svelte";

export type View =
  | "starting"
  | "failed"
  | "welcome"
  | "connect"
  | "create"
  | "pipeline"
  | "rollouts"
  | "rollout"
  | "devices"
  | "activity"
  | "keys"
  | "requests"
  | "request"
  | "settings"
  | "offline";

const pages = [
  "pipeline",
  "rollouts",
  "rollout",
  "devices",
  "activity",
  "keys",
  "requests",
  "request",
  "settings",
] as const;
type Page = (typeof pages)[number];

/** True for the views of a workspace, which share sidebar and top bar. */
export function isPage(view: string): view is Page {
  return (pages as readonly string[]).includes(view);
}

/** A change of a rollout that a person asks for; the plan comes from the engine. */
export interface RolloutAsked {
  channel: string;
  /** `advance`, `halt`, `resume`, `complete`, `roll_back`, `embedded`, `freeze`, `unfreeze`. */
  action: string;
  /** Share for `advance`, permille. */
  permille: number | null;
  /** Build for `roll_back`. */
  build: number | null;
}

/** What lies over the page. */
export type Overlay =
  | { kind: "ship"; item: Picked | null; jobId: string | null }
  | { kind: "promote"; gate: Gate; jobId: string | null }
  | {
      kind: "compare";
      release: ReleaseRef;
      item: Picked | null;
      other: ReleaseRef | null;
      /** What a person was about to decide, to go on with it. */
      back: Overlay | null;
    }
  | { kind: "address"; url: string }
  | { kind: "rollout"; asked: RolloutAsked; jobId: string | null }
  | { kind: "server"; workspace: Workspace }
  | { kind: "client-setup"; channel: string }
  | { kind: "storage-check"; workspace: Workspace }
  | { kind: "settings"; asked: SettingsAsked }
  | { kind: "shortcuts" }
  | { kind: "key"; asked: KeyAsked };

/** Asks for credentials of a workspace's storage, over whatever is open. */
export interface CredentialsAsked {
  workspace: Workspace;
  /** Address of a mirror; nothing = the registry's storage. */
  mirror: string | null;
  /** What goes on once they are stored. */
  then: () => void;
}

/** Where the window is: workspace, unit, view and what lies over it. */
class App {
  view = $state<View>("starting");
  version = $state("");
  workspaces = $state.raw<Workspace[]>([]);
  notices = $state.raw<IpcError[]>([]);
  #said = new Set<string>();
  error = $state.raw<IpcError | null>(null);
  overlay = $state.raw<Overlay | null>(null);
  /** Jobs that work while the person wants to quit; asked over whatever is open. */
  quitAsked = $state.raw<Job[] | null>(null);
  credentialsAsked = $state.raw<CredentialsAsked | null>(null);
  /** A native dialog is open. */
  choosing = $state(false);
  /** The sandbox is being made. */
  startingSandbox = $state(false);
  /** Headgate starts again as an offline workstation. */
  choosingOffline = $state(false);

  /** Channel whose rollout or devices are shown; nothing = the last one of the unit. */
  channel = $state<string | null>(null);
  /** Counts what changed in the cache of the shown workspace: views read it to know when to ask again. */
  changes = $state(0);

  /** Request for signatures that the page `request` shows. */
  requestId = $state<string | null>(null);

  #workspace = $state<string | null>(null);
  #unit = $state<string | null>(null);

  get workspace(): Workspace | null {
    return this.workspaces.find((known) => known.id === this.#workspace) ?? null;
  }

  get unit(): Unit | null {
    const units = this.workspace?.units ?? [];
    return units.find((known) => known.id === this.#unit) ?? units[0] ?? null;
  }

  /** Reads what the window needs and listens to the engine. */
  async start(): Promise<void> {
    clock.start();
    try {
      await backend().subscribe((event) => this.handle(event));
      const state = await call("app_state", {});
      theme.take(state.theme);
      letters.on = state.letters;
      if (state.offline) {
        this.version = state.version;
        this.view = "offline";
        return;
      }
      this.#take(state);
      void jobs.load().catch((thrown: unknown) => toasts.error(toIpcError(thrown)));
    } catch (thrown) {
      this.error = toIpcError(thrown);
      this.view = "failed";
    }
  }

  /** Makes this computer an offline workstation: Headgate starts again as one. */
  async chooseOffline(): Promise<void> {
    this.choosingOffline = true;
    try {
      await call("offline_choose", {});
    } catch (thrown) {
      this.choosingOffline = false;
      toasts.error(toIpcError(thrown));
    }
  }

  #take(state: AppState): void {
    this.version = state.version;
    this.workspaces = state.workspaces;
    this.notices = state.notices;
    this.#recovered(state.recovered);
    this.#first(state);
  }

  /** Shows the workspace that was shown last, or asks for one. */
  #first(state: AppState): void {
    const first = state.workspaces.find((known) => known.id === state.active) ?? state.workspaces[0];
    if (first) this.#show(first);
    else this.view = "welcome";
  }

  /** Leaves the form that connects or makes a workspace. */
  leaveForm(): void {
    this.view = this.workspace ? "pipeline" : "welcome";
  }

  #show(workspace: Workspace): void {
    this.#workspace = workspace.id;
    this.#unit = workspace.units[0]?.id ?? null;
    this.channel = null;
    if (workspace.waiting === null) this.view = "pipeline";
    else this.showRequest(workspace.waiting);
    if (this.#unit !== null) void boards.open(workspace.id, this.#unit);
  }

  /** Takes an event of the engine. */
  handle(event: Event): void {
    switch (event.type) {
      case "job": {
        const before = jobs.get(event.data.id);
        this.#ended(before, event.data);
        jobs.apply(event.data);
        // A workspace that waited for its owners is made.
        if (event.data.kind === "init" && event.data.state === "done" && before?.state === "running") {
          if (this.#waits(event.data.workspace)) void this.reload();
        }
        // A gate says whether a job works at it, so the board is read again when one begins or ends.
        if (event.data.kind !== "inspect" && before?.state !== event.data.state) this.#changed(event.data.workspace);
        break;
      }
      case "board":
        this.#changed(event.data.workspace);
        break;
      case "drop": {
        const dropped = drop.apply(event.data);
        if (dropped) this.dropped(dropped);
        break;
      }
      case "quit_asked":
        this.quitAsked = event.data.jobs;
        break;
      case "notice":
        if (event.data.kind === "waits") {
          toasts.info(event.data.title, event.data.text);
          this.requestsChanged(event.data.workspace);
        } else if (event.data.kind === "complete") toasts.ok(event.data.title, event.data.text);
        else {
          const { workspace, unit, channel, kind, title, text } = event.data;
          toasts.warn(title, text, kind === "stopped_by_gate" ? gateOf(workspace, unit, channel) : null);
        }
        break;
      case "recovered":
        this.#recovered(event.data.said);
        break;
    }
  }

  #changed(workspace: string): void {
    boards.changed(workspace);
    if (workspace === this.#workspace) this.changes += 1;
  }

  #waits(workspace: string): boolean {
    return this.workspaces.some((known) => known.id === workspace && known.waiting !== null);
  }

  /** Reads the workspaces again: one that waited for its owners is made, or given up. */
  async reload(): Promise<void> {
    const before = this.workspace;
    try {
      const state = await call("app_state", {});
      this.workspaces = state.workspaces;
      const now = this.workspace;
      if (now === null) this.#first(state);
      else if (before?.waiting !== now.waiting) this.#show(now);
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
    }
  }

  /** Says once what the start took up: it may stand in the state and come as an event too. */
  #recovered(words: string[]): void {
    for (const said of words) {
      if (this.#said.has(said)) continue;
      this.#said.add(said);
      toasts.info("Picked up where the last run stopped", said);
    }
  }

  /** Says how a job ended when nobody looks at it: a sheet that is open says it itself. */
  #ended(before: Job | undefined, job: Job): void {
    if (this.overlay || before?.state !== "running" || job.state === "running") return;
    // A registry that was made is on the board, which shows at once.
    if (job.state === "done" && job.kind === "init") return;
    if (job.state === "done" && job.receipt) toasts.ok(job.receipt.headline, job.title);
    else if (job.state === "done" && job.kind === "refresh") toasts.ok("Freshness is signed again");
    else if (job.state === "done" && job.kind === "mirror") toasts.ok("The mirror holds what the registry holds");
    else if (job.state === "failed" && job.error) toasts.error(job.error, jobOf(job.id));
  }

  /** Something was let go over the window, or chosen, which is the same for the app. */
  dropped({ item, on }: Drop): void {
    if (!this.workspace) {
      toasts.warn("Nowhere to ship to yet", "Start the sandbox or connect a workspace, then drop it again.");
    } else if (this.workspace.waiting !== null) {
      toasts.warn(`${this.workspace.name} waits for its owners`, "Ship once they have signed and it is published.");
    } else if (!item.ok) {
      toasts.warn(`‘${item.name}’ was not taken`, item.says);
    } else if (this.overlay) {
      toasts.info(`‘${item.name}’ was not taken`, "Close what is open, then drop it again.");
    } else {
      if (on) this.compare(on, item);
      else this.ship(item);
    }
  }

  /** Opens the ship sheet. */
  ship(item: Picked): void {
    this.overlay = { kind: "ship", item, jobId: null };
  }

  /** Opens the comparison of a release with a web build or another release; nothing = one is chosen there. */
  compare(release: ReleaseRef, item: Picked | null = null, other: ReleaseRef | null = null): void {
    const { overlay } = this;
    const back = overlay?.kind === "promote" || overlay?.kind === "rollout" ? overlay : null;
    this.overlay = { kind: "compare", release, item, other, back };
  }

  /** Asks for the address of a web build that lies elsewhere. */
  askAddress(url = ""): void {
    if (this.workspace?.waiting === null && !this.overlay) this.overlay = { kind: "address", url };
  }

  /** A web build at an address was read: the dialog gives way to the sheet. */
  pickedAt(item: Picked): void {
    this.overlay = null;
    this.dropped({ item, on: null });
  }

  /** Tests the storage of a workspace, line by line. */
  checkStorage(workspace: Workspace): void {
    this.overlay = { kind: "storage-check", workspace };
  }

  /** The newest test of each workspace's storage since this start. */
  tests = $state.raw<Record<string, ConnectTest>>({});

  storageTested(workspace: string, test: ConnectTest): void {
    this.tests = { ...this.tests, [workspace]: test };
  }

  /** Asks for new credentials, then goes on. */
  askCredentials(workspaceId: string, then: () => void = () => undefined, mirror: string | null = null): void {
    const workspace = this.workspaces.find((known) => known.id === workspaceId);
    if (workspace) this.credentialsAsked = { workspace, mirror, then };
  }

  /** The credentials are in the vault: what waited for them goes on. */
  credentialsStored(): void {
    const asked = this.credentialsAsked;
    this.credentialsAsked = null;
    asked?.then();
  }

  /** Opens the promotion of a gate. */
  promote(gate: Gate): void {
    this.overlay = { kind: "promote", gate, jobId: null };
  }

  /** Opens a change of a rollout. */
  changeRollout(channel: string, action: string, more: { permille?: number | null; build?: number | null } = {}): void {
    const asked = { channel, action, permille: more.permille ?? null, build: more.build ?? null };
    this.overlay = { kind: "rollout", asked, jobId: null };
  }

  /** Shows the rollout of a channel. */
  showRollout(channel: string): void {
    this.channel = channel;
    this.view = "rollout";
  }

  /** Shows a request for signatures. */
  showRequest(id: string): void {
    this.overlay = null;
    this.requestId = id;
    this.view = "request";
  }

  /** Requests for signatures of a workspace changed: the pages that show them ask again. */
  requestsChanged(workspace: string): void {
    this.#changed(workspace);
  }

  /** Connects an update server, or looks at the one that is connected. */
  askServer(workspace: Workspace): void {
    this.overlay = { kind: "server", workspace };
  }

  /** The update server is connected: every figure is asked again. */
  serverConnected(workspace: string): void {
    this.overlay = null;
    this.#changed(workspace);
  }

  /** Opens a dialog about keys. */
  askKey(asked: KeyAsked): void {
    this.overlay = { kind: "key", asked };
  }

  /** Keys of a workspace changed: the cards are read again. */
  keysChanged(workspace: string): void {
    this.#changed(workspace);
  }

  /** Opens a dialog about settings. */
  askSettings(asked: SettingsAsked): void {
    this.overlay = { kind: "settings", asked };
  }

  /** Settings changed that no event tells: they are read again. */
  settingsChanged(workspace: string): void {
    this.#changed(workspace);
  }

  close(): void {
    this.overlay = null;
  }

  /** Opens the sheet in which a job can be followed. */
  openJob(job: Job): void {
    const workspace = this.workspaces.find((known) => known.id === job.workspace);
    if (workspace && workspace.id !== this.#workspace) void this.selectWorkspace(workspace);
    const unit = this.workspace?.units.find((known) => known.id === job.unit);
    if (unit && unit.id !== this.#unit) this.selectUnit(unit);
    if (job.kind === "promote") {
      this.overlay = { kind: "promote", gate: this.#gateOf(job), jobId: job.id };
    } else if (job.kind === "rollout") {
      const asked = { channel: job.channel ?? "", action: "", permille: null, build: null };
      this.overlay = { kind: "rollout", asked, jobId: job.id };
    } else if (job.kind === "root") {
      this.overlay = { kind: "key", asked: { what: "roles", job: job.id } };
    } else if (job.kind === "ship" || job.kind === "inspect") {
      this.overlay = { kind: "ship", item: null, jobId: job.id };
    }
  }

  /** The gate that a promotion goes through. The board may not be read yet, and the job knows where it leads. */
  #gateOf(job: Job): Gate {
    const known = boards.board?.gates.find((gate) => gate.to === job.channel);
    return known ?? { from: "", to: job.channel ?? "", state: "busy", label: "", reason: "", build: null };
  }

  /** Chooses a web build in a native dialog, then opens the ship sheet. */
  async choose(kind: "folder" | "zip" | "sample"): Promise<void> {
    const workspace = this.workspace;
    if (!workspace || workspace.waiting !== null || this.choosing || this.overlay) return;
    this.choosing = true;
    try {
      const { item } =
        kind === "sample"
          ? await call("build_sample", { workspace: workspace.id })
          : await call("build_choose", { kind });
      if (item) this.dropped({ item, on: null });
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
    } finally {
      this.choosing = false;
    }
  }

  async startSandbox(): Promise<void> {
    if (this.startingSandbox) return;
    this.startingSandbox = true;
    try {
      this.added(await call("sandbox_start", {}));
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
    } finally {
      this.startingSandbox = false;
    }
  }

  /** A workspace was made or connected: shows it. */
  added(workspace: Workspace): void {
    this.workspaces = [...this.workspaces.filter((known) => known.id !== workspace.id), workspace];
    this.#show(workspace);
  }

  async selectWorkspace(workspace: Workspace): Promise<void> {
    this.#show(workspace);
    try {
      await call("workspace_select", { workspace: workspace.id });
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
    }
  }

  selectUnit(unit: Unit): void {
    this.#unit = unit.id;
    this.channel = null;
    if (this.view === "rollout") this.view = "rollouts";
    if (this.workspace) void boards.open(this.workspace.id, unit.id);
  }

  dismissNotice(notice: IpcError): void {
    this.notices = this.notices.filter((known) => known !== notice);
  }

  async quit(): Promise<void> {
    try {
      await call("quit", {});
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
    }
  }
}

export const app = new App();
