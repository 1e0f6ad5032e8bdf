import type { Board } from "../../lib/bindings/Board";
import type { Validity } from "../../lib/bindings/Validity";

/** A signature whose lifetime is half over or more. */
export interface ValidityWarning {
  /** `freshness`, or the channel's id. */
  of: string;
  /** Name to show: "Freshness", "Signatures on Production". */
  what: string;
  validity: Validity;
  /** `half` at 50 %, `late` at 80 %, `over` when it has ended. */
  level: "half" | "late" | "over";
}

/** The engine says how urgent it is: the rule stands there alone. */
function level(validity: Validity): ValidityWarning["level"] | null {
  const known = validity.level;
  return known === "half" || known === "late" || known === "over" ? known : null;
}

/** What to warn of, most urgent first. */
export function warnings(board: Board): ValidityWarning[] {
  const rank = { over: 0, late: 1, half: 2 };
  const found: ValidityWarning[] = [];
  const add = (of: string, what: string, validity: Validity | null): void => {
    const at = validity && level(validity);
    if (validity && at) found.push({ of, what, validity, level: at });
  };
  add("freshness", "Freshness", board.freshness);
  for (const channel of board.channels)
    add(channel.id, `Signatures on ${channel.label.toLowerCase()}`, channel.validity);
  return found.sort((a, b) => rank[a.level] - rank[b.level]);
}
