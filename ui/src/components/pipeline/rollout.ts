/** How a rollout's state is said and shown. */
export interface RolloutLook {
  word: string;
  tone: "ok" | "accent" | "warn" | "danger" | "muted";
  icon: "ok" | "rolling" | "halted" | "pending" | "info";
  bar: "ok" | "accent" | "halted";
}

const looks: Record<string, RolloutLook> = {
  rolling_out: { word: "Rolling out", tone: "accent", icon: "rolling", bar: "accent" },
  complete: { word: "Complete", tone: "ok", icon: "ok", bar: "ok" },
  halted: { word: "Halted", tone: "warn", icon: "halted", bar: "halted" },
  stopped_by_gate: { word: "Stopped by gate", tone: "danger", icon: "halted", bar: "halted" },
  embedded: { word: "Embedded build", tone: "muted", icon: "info", bar: "accent" },
  nothing: { word: "Nothing released", tone: "muted", icon: "pending", bar: "accent" },
};

/** The look of a state; a state of a newer engine shows its own word. */
export function rolloutOf(state: string): RolloutLook {
  return looks[state] ?? { word: state.replaceAll("_", " "), tone: "muted", icon: "pending", bar: "accent" };
}

/** Words for the stages of channels. */
export const stageNames: Record<string, string> = { internal: "Internal", test: "Test", live: "Live" };

/** First letters of a person's first and last name. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  const ends = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return ends
    .map((word) => (word ? [...word][0] : ""))
    .join("")
    .toUpperCase();
}
