import type { Gate } from "../../lib/bindings/Gate";

/** The gate while storage is not reached: what it would do needs storage. */
export function withoutStorage(gate: Gate): Gate {
  if (gate.state !== "open" && gate.state !== "closed") return gate;
  return {
    ...gate,
    state: "blocked",
    label: "Needs storage",
    reason: "Promoting needs storage. It works again when storage is reached.",
  };
}

/**
 * True when pressing the gate opens the promotion. A closed gate opens it too: it shows whose key is missing.
 * The others have nothing to show, so they say their reason instead.
 */
export function mayOpen(gate: Gate): boolean {
  return gate.state === "open" || gate.state === "closed";
}
