import type { Workstation } from "./offline";

/** Scenarios in which an update server counts, and whether it is reached. */
export const servers: Record<string, "ok" | "offline"> = {
  server: "ok",
  stopped: "ok",
  halted: "ok",
  fleet: "ok",
  "server-offline": "offline",
};

/** What the sample window shows at the start. */
export type Scenario =
  | "welcome"
  | "connect"
  | "empty"
  | "pipeline"
  | "offline"
  | "validity"
  | "error"
  | "drop"
  | "loading"
  | "uploading"
  | "retrying"
  | "paused"
  | "expired"
  | "failed-mirror"
  | "huge"
  | "server"
  | "server-offline"
  | "stopped"
  | "halted"
  | "fleet"
  | "broken"
  | "requests"
  | "asking"
  | Workstation;
