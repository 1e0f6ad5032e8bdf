import type { Adoption } from "../../lib/bindings/Adoption";
import type { AdoptionMark } from "../../lib/bindings/AdoptionMark";
import { clock, count, part } from "../../lib/format";

/** A release in the stack, the newest at the bottom. */
export interface Layer {
  label: string;
  /** 1 to 4: which colour of the chart. */
  colour: number;
  devices: number[];
  /** Share of all devices at each time, 0 to 1; nothing where no device was counted. */
  shares: (number | null)[];
  /** Upper edge of the layer in the stack, 0 to 100; a time without devices repeats nothing. */
  tops: (number | null)[];
}

/**
 * What a share is a share of, at each time. By day every device is in some series; by the minute only arrivals at the
 * newest release are counted, so its share is of `all` devices of the channel as they are now.
 */
export function totals(adoption: Adoption, all: number): number[] {
  const sums = adoption.times.map((_, at) => adoption.series.reduce((sum, one) => sum + (one.devices[at] ?? 0), 0));
  if (adoption.by !== "minute") return sums;
  const most = Math.max(all, ...sums);
  return sums.map(() => most);
}

/** The stack from the bottom: the newest release first, what was there before above it. */
export function layers(adoption: Adoption, all: number): Layer[] {
  const sums = totals(adoption, all);
  const newest = [...adoption.series].reverse();
  const below = adoption.times.map(() => 0);
  return newest.map((one, index) => {
    const shares = sums.map((sum, at) => (sum > 0 ? (one.devices[at] ?? 0) / sum : null));
    const tops = shares.map((share, at) => {
      if (share === null) return null;
      below[at] = (below[at] ?? 0) + share;
      return Math.min(100, below[at] * 100);
    });
    return { label: one.label, colour: colourOf(index, newest.length), devices: one.devices, shares, tops };
  });
}

/** Newest and oldest have colours of their own; what lies between takes turns. */
export function colourOf(index: number, of: number): number {
  if (index === 0) return 1;
  if (index === of - 1 && of > 3) return 4;
  return index % 2 === 1 ? 2 : 3;
}

/** Spans without new offers, Unix seconds: from a halt or a stop by the gate to whatever was signed next. */
export function haltedSpans(adoption: Adoption): { from: number; to: number }[] {
  const end = adoption.times[adoption.times.length - 1] ?? 0;
  const spans: { from: number; to: number }[] = [];
  let from: number | null = null;
  for (const mark of [...adoption.marks].sort((a, b) => a.at - b.at)) {
    const stops = mark.kind === "halt" || mark.kind === "gate";
    if (stops) from ??= mark.at;
    else if (from !== null) {
      spans.push({ from, to: mark.at });
      from = null;
    }
  }
  if (from !== null && from < end) spans.push({ from, to: end });
  return spans;
}

/** A flag over the chart. */
export interface Flag extends AdoptionMark {
  /** Place in the width, 0 to 100. */
  left: number;
  /** 0 stands on the chart, 1 above it. */
  lane: 0 | 1;
  /** The flag flies to the left, as there is no room to the right. */
  flip: boolean;
  /** There is no room for the word: only the line stands, the table has the rest. */
  bare: boolean;
}

/** A word's place: from, to in pixels, and its lane. */
type Taken = [from: number, to: number, lane: 0 | 1];

/**
 * Gives every mark a place in two lanes, so that neither a word nor a line covers another word. Every line passes the
 * lower lane on its way down, only those of the upper lane pass the upper one.
 */
export function flags(adoption: Adoption, width: number): Flag[] {
  const first = adoption.times[0] ?? 0;
  const last = adoption.times[adoption.times.length - 1] ?? 0;
  if (last <= first || width <= 0) return [];
  const marks = adoption.marks.filter((mark) => mark.at >= first).sort((a, b) => a.at - b.at);
  // The last day is still going on, so what happened on it stands at its right end.
  const place = (mark: AdoptionMark): number => ((Math.min(mark.at, last) - first) / (last - first)) * width;
  const lines = marks.map(place);
  const words: Taken[] = [];
  const upper: number[] = [];
  const free = ([from, to, lane]: Taken, own: number): boolean =>
    from >= 0 &&
    to <= width + 1 &&
    words.every(([a, b, other]) => other !== lane || to <= a || from >= b) &&
    (lane === 0 ? lines : upper).every((x) => x === own || x <= from || x >= to) &&
    (lane === 0 || words.every(([a, b, other]) => other === 0 || own <= a || own >= b));
  // From the right: a word flies to the right, so the later lines decide how low it may hang.
  return [...marks]
    .reverse()
    .map((mark): Flag => {
      const x = place(mark);
      const wide = mark.says.length * 6.2 + (mark.kind === "share" || mark.kind === "complete" ? 12 : 28);
      for (const [flip, lane] of [
        [false, 0],
        [true, 0],
        [false, 1],
        [true, 1],
      ] as const) {
        const word: Taken = flip ? [x - wide, x, lane] : [x, x + wide, lane];
        if (!free(word, x)) continue;
        words.push(word);
        if (lane === 1) upper.push(x);
        return { ...mark, left: (x / width) * 100, lane, flip, bare: false };
      }
      return { ...mark, left: (x / width) * 100, lane: 0, flip: false, bare: true };
    })
    .reverse();
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "7 Jul" or "14:02", as fine as the adoption is counted. */
export function timeSays(adoption: Pick<Adoption, "by">, seconds: number): string {
  const at = new Date(seconds * 1000);
  return adoption.by === "minute" ? clock(at.toISOString()) : `${at.getDate()} ${MONTHS[at.getMonth()]}`;
}

/** Times to write below the chart: at most seven, and as many as `width` pixels hold. */
export function ticks(adoption: Adoption, width: number): { left: number; says: string }[] {
  const { times } = adoption;
  const first = times[0] ?? 0;
  const last = times[times.length - 1] ?? 0;
  if (last <= first) return [];
  const room = Math.min(7, Math.max(2, Math.floor(width / 64)));
  const step = Math.max(1, Math.ceil(times.length / room));
  return times
    .filter((_, index) => index % step === 0)
    .map((time) => ({ left: ((time - first) / (last - first)) * 100, says: timeSays(adoption, time) }))
    .filter((tick) => width <= 0 || ((100 - tick.left) / 100) * width >= 32);
}

/** Heights for the words at the right, 0 to 100 from the bottom, pushed apart so that each can be read. */
export function spread(wanted: number[], gap: number): number[] {
  const out: number[] = [];
  for (const at of wanted) out.push(Math.max(at, (out[out.length - 1] ?? -Infinity) + gap));
  // Whatever was pushed out at the top goes down again, and takes the ones below along.
  let ceiling = 100;
  for (let index = out.length - 1; index >= 0; index -= 1) {
    const height = Math.min(out[index] ?? 0, ceiling);
    out[index] = height;
    ceiling = height - gap;
  }
  return out;
}

/** The chart in a sentence. */
export function adoptionSays(adoption: Adoption, all: number): string {
  const { times } = adoption;
  const from = timeSays(adoption, times[0] ?? 0);
  const to = timeSays(adoption, times[times.length - 1] ?? 0);
  const moved = layers(adoption, all).map(({ label, shares }) => {
    const known = shares.filter((share) => share !== null);
    return `${label} from ${part(known[0] ?? 0)} to ${part(known[known.length - 1] ?? 0)}`;
  });
  const marks = adoption.marks.map((mark) => `${mark.says} at ${timeSays(adoption, mark.at)}`);
  return `Share of devices by release, ${from} to ${to}: ${moved.join(", ")}.${
    marks.length > 0 ? ` ${marks.join(", ")}.` : ""
  }`;
}

/** "17,531, 23.5 %". */
export function cellSays(layer: Layer, at: number): { devices: string; share: string } {
  const share = layer.shares[at];
  return { devices: count(layer.devices[at] ?? 0), share: share === null || share === undefined ? "–" : part(share) };
}
