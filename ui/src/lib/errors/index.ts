import type { IpcError } from "../bindings/IpcError";

/** What the window does about an error when the person presses its button. */
export type ActionId =
  | "retry"
  | "sync"
  | "choose-build"
  | "refresh"
  | "connect"
  | "credentials"
  | "storage-check"
  | "address"
  | "server"
  | "none";

/** How an error is shown and what can be done about it here. */
export interface ErrorAction {
  /** Text of the button; nothing = the remedy is outside this window. */
  label: string | null;
  action: ActionId;
  /** `danger`: something does not add up. `warn`: it can be put right at once. */
  severity: "warn" | "danger";
}

const retry: ErrorAction = { label: "Try again", action: "retry", severity: "danger" };
const wait: ErrorAction = { label: "Try again", action: "retry", severity: "warn" };
const choose: ErrorAction = { label: "Choose another build…", action: "choose-build", severity: "warn" };
const sync: ErrorAction = { label: "Read storage again", action: "sync", severity: "danger" };
const test: ErrorAction = { label: "Test storage…", action: "storage-check", severity: "danger" };
const server: ErrorAction = { label: "Connect update server…", action: "server", severity: "warn" };
const tell: ErrorAction = { label: null, action: "none", severity: "danger" };
/** Put right on the page of the request, where the buttons for it stand. */
const toAsk: ErrorAction = { label: null, action: "none", severity: "warn" };

/** The single table from stable codes to actions. A code that is not here falls back to its area, then to `retryable`. */
const byCode: Record<string, ErrorAction> = {
  "artifact.address": { label: "Enter another address…", action: "address", severity: "warn" },
  "artifact.changed": tell,
  "artifact.missing": wait,
  "build.unreadable": wait,
  "build.changed": wait,
  "job.cancelled": { label: null, action: "none", severity: "warn" },
  "key.in_use": { label: null, action: "none", severity: "warn" },
  "key.locked": wait,
  "key.timeout": wait,
  "key.wrong_password": wait,
  "local.busy": wait,
  "rollout.state": { label: "Read the rollout again", action: "sync", severity: "warn" },
  "publish.version_conflict": { label: "Read and compare", action: "sync", severity: "danger" },
  "server.address": server,
  "server.malformed": server,
  "server.none": server,
  "server.refused": server,
  "server.unknown_app": server,
  "server.unreachable": wait,
  "signing.alarm": tell,
  "signing.altered": tell,
  "signing.expired": toAsk,
  "signing.format": toAsk,
  "signing.incomplete": toAsk,
  "signing.other_request": toAsk,
  "signing.other_workspace": tell,
  "signing.refused": toAsk,
  "signing.stale": toAsk,
  "signing.unknown": toAsk,
  "signing.unknown_workspace": tell,
  "storage.access": test,
  "storage.busy": wait,
  "storage.clock": wait,
  "storage.credentials": { label: "Enter new credentials…", action: "credentials", severity: "warn" },
  "storage.ignores_conditions": test,
  "storage.locked": wait,
  "storage.missing": sync,
  "storage.region": { label: "Connect again…", action: "connect", severity: "danger" },
  "storage.retention": test,
  "storage.unavailable": wait,
  "trust.clock": wait,
  "trust.expired": { label: "Refresh", action: "refresh", severity: "danger" },
  "trust.other_workspace": sync,
  "trust.root": { label: "Connect again…", action: "connect", severity: "danger" },
  "usage.no_workspace": { label: "Connect a workspace…", action: "connect", severity: "warn" },
};

const byArea: Record<string, ErrorAction> = { build: choose, zip: choose, trust: sync, storage: retry };

/** What to offer for an error. Never fails: codes of a newer engine get a sensible action too. */
export function actionFor(error: IpcError): ErrorAction {
  const area = error.code.split(".")[0] ?? "";
  return byCode[error.code] ?? byArea[area] ?? (error.retryable ? retry : tell);
}
