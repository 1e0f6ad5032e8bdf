import type { Activity } from "../../lib/bindings/Activity";
import type { ActivityEntry } from "../../lib/bindings/ActivityEntry";
import type { LocalEvent } from "../../lib/bindings/LocalEvent";
import { count, hash8, moment, plural } from "../../lib/format";

/** What a filter lets through. */
export interface LogFilter {
  /** Words that all have to stand somewhere in an entry. */
  text: string;
  /** Name of a person; empty = anyone. */
  by: string;
  /** Kind of action; empty = any. */
  kind: string;
  /** `releases`, `keys`, `freshness`, `local`; empty = all. */
  group: string;
  /** `unit/channel`; empty = everywhere. */
  place: string;
}

export const NO_FILTER: LogFilter = { text: "", by: "", kind: "", group: "", place: "" };

/** A line of the timeline: a numbered entry of the log, or an event of this computer, which has no number. */
export type Line = { at: string; entry: ActivityEntry; event: null } | { at: string; entry: null; event: LocalEvent };

export interface Day {
  /** "Today, 16 July". */
  label: string;
  lines: Line[];
  /** Lines of the day that the filter keeps back. */
  hidden: number;
}

const months = "January February March April May June July August September October November December".split(" ");
const weekdays = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** Entries and local events in one order, newest first. Entries keep the order of the chain, whatever clocks say. */
export function merge(entries: readonly ActivityEntry[], local: readonly LocalEvent[]): Line[] {
  const lines: Line[] = [];
  let next = 0;
  const take = (until: number): void => {
    for (let event = local[next]; event && Date.parse(event.at) >= until; event = local[next]) {
      lines.push({ at: event.at, entry: null, event });
      next += 1;
    }
  };
  for (const entry of entries) {
    take(Date.parse(entry.at));
    lines.push({ at: entry.at, entry, event: null });
  }
  take(-Infinity);
  return lines;
}

/** The sentence of an entry. */
export function sentence(entry: ActivityEntry): string {
  return `${entry.by} ${entry.says.map((part) => part.text).join("")}`;
}

/** What search looks through. */
function haystack(line: Line): string {
  const parts = line.entry
    ? [
        `#${line.entry.number}`,
        sentence(line.entry),
        line.entry.detail,
        line.entry.reason,
        line.entry.hash,
        ...line.entry.keys,
        ...line.entry.roles.map((role) => `${role.role} ${role.version}`),
        ...line.entry.changes.flatMap((change) => [change.what, change.from, change.to]),
      ]
    : [line.event.title, line.event.detail, line.event.channel];
  return parts.filter(Boolean).join("\n").toLowerCase();
}

/** True for what the filter lets through. */
export function passes(line: Line, filter: LogFilter): boolean {
  const { entry, event } = line;
  if (filter.group !== "" && filter.group !== (entry?.group ?? "local")) return false;
  // An event of this computer was signed by nobody and is no action on the registry.
  if (filter.by !== "" && filter.by !== entry?.by) return false;
  if (filter.kind !== "" && filter.kind !== entry?.kind) return false;
  const of = entry ?? event;
  if (filter.place !== "" && filter.place !== `${of?.unit}/${of?.channel}`) return false;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = haystack(line);
  return words.every((word) => text.includes(word));
}

/** "Today, 16 July", "Wednesday, 15 July", "Friday, 10 July 2025" in another year. */
export function dayLabel(iso: string, now: number): string {
  const at = new Date(iso);
  const today = new Date(now);
  const year = at.getFullYear() === today.getFullYear() ? "" : ` ${at.getFullYear()}`;
  const name = at.toDateString() === today.toDateString() ? "Today" : weekdays[at.getDay()];
  return `${name}, ${at.getDate()} ${months[at.getMonth()]}${year}`;
}

/** Lines by day. A day of which nothing is shown has no heading; its lines are in the sum. */
export function group(
  lines: readonly Line[],
  filter: LogFilter,
  now: number,
): { days: Day[]; shown: Line[]; hidden: number } {
  const days: Day[] = [];
  const shown: Line[] = [];
  let hidden = 0;
  for (const line of lines) {
    const label = dayLabel(line.at, now);
    let day = days.at(-1);
    if (day?.label !== label) days.push((day = { label, lines: [], hidden: 0 }));
    if (passes(line, filter)) {
      day.lines.push(line);
      shown.push(line);
    } else {
      day.hidden += 1;
      hidden += 1;
    }
  }
  return { days: days.filter((day) => day.lines.length > 0), shown, hidden };
}

/** The days with the first lines only. */
export function firstLines(days: readonly Day[], most: number): Day[] {
  const some: Day[] = [];
  let left = most;
  for (const day of days) {
    if (left <= 0) break;
    some.push(day.lines.length <= left ? day : { ...day, lines: day.lines.slice(0, left) });
    left -= day.lines.length;
  }
  return some;
}

export interface Verdict {
  tone: "ok" | "danger" | "warn";
  title: string;
  text: string;
}

/** What is proven, in words. */
export function verdictOf(activity: Activity, now: number): Verdict {
  const { verdict, entries, offline } = activity;
  const all = plural(entries.length, "entry", "entries");
  const asked = activity.readAt ? moment(activity.readAt, now) : null;
  const whole = activity.provenAt ? moment(activity.provenAt, now) : null;
  if (verdict.state !== "verified") {
    return {
      tone: "danger",
      title: `Chain broken: entry #${verdict.entry ?? "?"} is the first bad one`,
      text: `${verdict.role ?? "It"}: ${verdict.why ?? "it does not verify"}. Compare the storage with a backup from this entry on, and find out who wrote to it.`,
    };
  }
  const head = verdict.head ? ` Head ${hash8(verdict.head)}.` : "";
  if (offline) {
    return {
      tone: "warn",
      title: `Chain verified as of ${asked ?? "an earlier time"}, cached`,
      text: `The copy of this computer holds ${all}, all checked now.${head} What storage holds now is not known.`,
    };
  }
  const copy =
    activity.cached > 0
      ? ` Older files were checked from the copy of this computer${whole ? `, read whole from storage ${whole}` : ""}.`
      : " Every file was read from storage.";
  return {
    tone: "ok",
    title: "Chain verified, nothing missing or changed",
    text: `All ${all} checked${asked ? ` at ${asked}` : ""}.${head}${copy}`,
  };
}

/** People, places and kinds that stand in the log, for the filters. */
export function choices(entries: readonly ActivityEntry[]): { people: string[]; places: string[]; kinds: string[] } {
  const of = (values: (string | null)[]): string[] =>
    [...new Set(values.filter((value) => value !== null))].sort((a, b) => a.localeCompare(b));
  return {
    people: of(entries.map((entry) => entry.by)),
    places: of(
      entries.map((entry) => (entry.unit !== null && entry.channel !== null ? `${entry.unit}/${entry.channel}` : null)),
    ),
    kinds: [...new Set(entries.map((entry) => entry.kind))],
  };
}

/** An entry as text, to paste it somewhere. */
export function entryText(entry: ActivityEntry): string {
  const side = (text: string | null): string => text ?? "nothing";
  return [
    `#${entry.number} ${entry.at} ${sentence(entry)}`,
    entry.detail,
    entry.reason && `Reason: ${entry.reason}`,
    ...entry.changes.map((change) => `${change.what}: ${side(change.from)} → ${side(change.to)}`),
    `Keys: ${entry.keys.join(", ")}`,
    `Roles: ${entry.roles.map((role) => `${role.role} ${role.version}`).join(", ")}`,
    `Hash: ${entry.hash}`,
    entry.prev && `Before it: ${entry.prev}`,
    entry.why && `Not verified: ${entry.why}`,
  ]
    .filter(Boolean)
    .join("\n");
}

/** "4,127 entries since 12 Jan 2026". */
export function summary(entries: readonly ActivityEntry[], date: (iso: string) => string): string {
  const first = entries.at(-1);
  if (!first) return "No entries";
  return `${count(entries.length)} ${entries.length === 1 ? "entry" : "entries"} since ${date(first.at)}`;
}
