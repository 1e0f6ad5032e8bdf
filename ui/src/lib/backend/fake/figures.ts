import type { FailureRate } from "../../bindings/FailureRate";
import type { NativeRow } from "../../bindings/NativeRow";
import type { ServingHealth } from "../../bindings/ServingHealth";
import { ago } from "./data";

/** Sample figures of an update server. */

/** A rate with its 95 % Wilson interval. */
export function rateOf(failures: number, attempts: number, silent = 0): FailureRate {
  if (attempts === 0) return { failures, attempts, lower: null, upper: null, silent };
  const z = 1.959964;
  const p = failures / attempts;
  const base = 1 + (z * z) / attempts;
  const middle = (p + (z * z) / (2 * attempts)) / base;
  const half = (z / base) * Math.sqrt((p * (1 - p)) / attempts + (z * z) / (4 * attempts * attempts));
  return { failures, attempts, lower: Math.max(0, middle - half), upper: Math.min(1, middle + half), silent };
}

/** 24 spans in which most devices come after the start, then fewer. */
export function sparkOf(sum: number): number[] {
  return Array.from({ length: 24 }, (_, at) => Math.round((sum / 24) * (0.4 + 1.2 * Math.abs(Math.sin(at / 3.4)))));
}

interface Figures {
  active: number;
  of: number;
  failures: FailureRate;
}

/** What devices make of the newest release of each channel. */
export const byChannel: Record<string, Figures> = {
  development: { active: 42, of: 44, failures: rateOf(0, 57) },
  staging: { active: 318, of: 341, failures: rateOf(1, 402) },
  production: { active: 17_531, of: 74_608, failures: rateOf(56, 18_204, 20_144) },
};

/** The same for a rollout that stopped itself. */
export const stoppedFigures: Figures = { active: 3_942, of: 74_608, failures: rateOf(97, 4_102, 20_144) };

export function healthOf(channel: string, stopped: string | null): ServingHealth | null {
  const figures = stopped === null ? byChannel[channel] : stoppedFigures;
  if (!figures) return null;
  const { active, of, failures } = figures;
  return { active: { devices: active, of }, failures, spark: sparkOf(active), stopped };
}

export function nativesOf(stopped: boolean): NativeRow[] {
  const row = (native: string, devices: number, ios: number, failures: FailureRate): NativeRow => ({
    native,
    devices,
    ios,
    failures,
  });
  return [
    row("4.2.0", 54_710, 31_732, stopped ? rateOf(11, 2_960) : rateOf(31, 13_870)),
    row("4.1.2", 13_902, 6_812, stopped ? rateOf(78, 930) : rateOf(17, 3_412)),
    row("4.1.0", 4_328, 1_342, stopped ? rateOf(8, 212) : rateOf(8, 922)),
    row("4.0.0", 1_668, 367, rateOf(0, 0)),
  ];
}

/** When the sample gate stopped its rollout. */
export function stoppedAt(now: number): string {
  return ago(now, 24 * 60_000);
}
