import type { GateView } from "../../lib/bindings/GateView";

/** A scale from 0 to `max` percent, with the marks to write below it. */
export interface Scale {
  max: number;
  marks: number[];
}

/** Widest figures that the bar has to hold: the limit stands at two thirds, unless the interval is wider. */
export function scaleOf(gate: GateView): Scale {
  const limit = gate.maxFailurePermille / 10;
  const upper = (gate.rate.upper ?? 0) * 100;
  // An interval of a tiny sample reaches almost 100 %: the bar then shows that it does, cut at its end.
  const wanted = Math.min(100, Math.max(limit * 1.5, Math.min(upper * 1.1, limit * 6)));
  const step = nice(wanted / 3);
  const max = step * Math.max(1, Math.ceil(wanted / step - 1e-9));
  const marks: number[] = [];
  for (let mark = 0; mark <= max + 1e-9; mark += step) marks.push(Number(mark.toFixed(6)));
  return { max, marks };
}

function nice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-6)));
  const digit = value / power;
  return (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
}

/** Where a rate from 0 to 1 stands on the scale, 0 to 100; never beyond its ends. */
export function at(rate: number, scale: Scale): number {
  return Math.min(100, Math.max(0, ((rate * 100) / scale.max) * 100));
}

/** "0.5", "1", "1.5 %" for the last. */
export function markSays(mark: number, scale: Scale): string {
  const text = String(Number(mark.toFixed(3)));
  return mark === scale.marks[scale.marks.length - 1] ? `${text}\u00a0%` : text;
}

/** A line of the gate's checks: every figure of the bar in text. */
export interface GateCheck {
  id: string;
  state: "yes" | "no" | "wait" | "info" | "guard";
  says: string;
  value: string;
}
