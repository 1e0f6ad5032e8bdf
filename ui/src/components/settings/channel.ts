import type { ChannelChange } from "../../lib/bindings/ChannelChange";
import type { ChannelDefaults } from "../../lib/bindings/ChannelDefaults";
import type { GateLimit } from "../../lib/bindings/GateLimit";
import { count, percent, permilleOf, plural } from "../../lib/format";

/** How a person confirms what reaches a channel, from the least to the most careful. */
export const confirms = [
  { value: "none", label: "Without a question" },
  { value: "plain", label: "One button" },
  { value: "typed", label: "Type its name" },
  { value: "wait", label: "Type its name, 5 s to undo" },
] as const;

export function confirmSays(confirm: string): string {
  return confirms.find(({ value }) => value === confirm)?.label ?? confirm;
}

/** Most hours that a step can be asked to last: a year. */
const MOST_HOURS = 8760;
/** Most attempts that a gate can wait for. */
const MOST_SAMPLE = 1_000_000;

/** The form, as it is typed. */
export interface ChannelDraft {
  confirm: string;
  start: string;
  hours: string;
  gated: boolean;
  sample: string;
  failed: string;
}

export type ChannelErrors = Partial<Record<"start" | "hours" | "sample" | "failed", string>>;

const typed = (permille: number): string => String(permille / 10);

export function draftOf({ confirm, startPermille, minHours, gate }: ChannelDefaults): ChannelDraft {
  return {
    confirm,
    start: typed(startPermille),
    hours: String(minHours),
    gated: gate !== null,
    // What a gate begins with when it is switched on: as the last channel of a new workspace has it.
    sample: String(gate?.minSample ?? 500),
    failed: typed(gate?.maxFailurePermille ?? 10),
  };
}

const whole = (text: string): number | null => (/^\d{1,9}$/u.test(text.trim()) ? Number(text.trim()) : null);

/** What is wrong with it, by field. */
export function errorsOf({ start, hours, gated, sample, failed }: ChannelDraft): ChannelErrors {
  const errors: ChannelErrors = {};
  const share = permilleOf(start);
  if (share === null || share === 0) errors.start = "Between 0.1 % and 100 %";
  const step = whole(hours);
  if (step === null || step > MOST_HOURS) errors.hours = `Whole hours, up to ${count(MOST_HOURS)}`;
  if (!gated) return errors;
  const attempts = whole(sample);
  if (attempts === null || attempts === 0 || attempts > MOST_SAMPLE)
    errors.sample = `Between 1 and ${count(MOST_SAMPLE)} attempts`;
  if (permilleOf(failed) === null) errors.failed = "Between 0 % and 100 %";
  return errors;
}

/** What the form sets that the channel does not say already; nothing = no change. */
export function changeOf(
  draft: ChannelDraft,
  channel: ChannelDefaults,
): Omit<ChannelChange, "workspace" | "channel"> | null {
  const start = permilleOf(draft.start) ?? channel.startPermille;
  const hours = whole(draft.hours) ?? channel.minHours;
  const limit: GateLimit | null = draft.gated
    ? { minSample: whole(draft.sample) ?? 1, maxFailurePermille: permilleOf(draft.failed) ?? 0 }
    : null;
  const other = <T>(now: T, was: T): T | null => (JSON.stringify(now) === JSON.stringify(was) ? null : now);
  const change = {
    confirm: other(draft.confirm, channel.confirm),
    startPermille: other(start, channel.startPermille),
    minHours: other(hours, channel.minHours),
    gate: JSON.stringify(limit) === JSON.stringify(channel.gate) ? null : { limit },
  };
  return Object.values(change).every((part) => part === null) ? null : change;
}

const hoursSay = (hours: number): string => (hours === 0 ? "No wait" : `${count(hours)} h`);

/** What follows the first share, in a row. */
export const stepSays = (hours: number): string => (hours === 0 ? "no wait" : `${count(hours)} h a step`);

export function gateSays(gate: GateLimit | null): string {
  if (gate === null) return "No gate stops them";
  return `Stop above ${percent(gate.maxFailurePermille)} failed of ${plural(gate.minSample, "attempt")}`;
}

/** One thing that changes. */
export interface ChannelLine {
  what: string;
  before: string;
  after: string;
  /** It protects the channel less than before. */
  weaker: boolean;
}

/** True when a gate stops a rollout later than another, or never. */
function later(after: GateLimit | null, before: GateLimit | null): boolean {
  if (before === null) return false;
  if (after === null) return true;
  return after.maxFailurePermille > before.maxFailurePermille || after.minSample > before.minSample;
}

/** The change in words, one line each. */
export function linesOf(
  change: Pick<ChannelChange, "confirm" | "startPermille" | "minHours" | "gate">,
  channel: ChannelDefaults,
): ChannelLine[] {
  const lines: ChannelLine[] = [];
  const order = confirms.map(({ value }) => value as string);
  if (change.confirm !== null)
    lines.push({
      what: "Confirmation",
      before: confirmSays(channel.confirm),
      after: confirmSays(change.confirm),
      weaker: order.indexOf(change.confirm) < order.indexOf(channel.confirm),
    });
  if (change.startPermille !== null)
    lines.push({
      what: "First share",
      before: percent(channel.startPermille),
      after: percent(change.startPermille),
      weaker: change.startPermille > channel.startPermille,
    });
  if (change.minHours !== null)
    lines.push({
      what: "Least time of a step",
      before: hoursSay(channel.minHours),
      after: hoursSay(change.minHours),
      weaker: change.minHours < channel.minHours,
    });
  if (change.gate !== null)
    lines.push({
      what: "Health gate",
      before: gateSays(channel.gate),
      after: gateSays(change.gate.limit),
      weaker: later(change.gate.limit, channel.gate),
    });
  return lines;
}
