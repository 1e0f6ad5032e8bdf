import type { Approval } from "../../lib/bindings/Approval";
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

/** A gate with an open request is closed until it is signed; pressing it leads to the request. */
export function withRequest(gate: Gate, request: Approval | null): Gate {
  if (request === null || (gate.state !== "open" && gate.state !== "closed")) return gate;
  const label = `${String(request.have)} of ${String(request.need)} signed`;
  const reason = request.complete
    ? `${request.title} has every signature and can be published.`
    : `${request.title} waits for signatures: ${label}.`;
  return { ...gate, state: "closed", label, reason };
}
