import type { DeviceShare } from "../../lib/bindings/DeviceShare";
import type { FailureRate } from "../../lib/bindings/FailureRate";
import { count, part, plural, rate, share } from "../../lib/format";

/** The rate itself, 0 to 1; nothing without attempts. */
export function failureShare(failures: FailureRate): number | null {
  return failures.attempts > 0 ? failures.failures / failures.attempts : null;
}

/** "0.31 %", or that there is nothing to divide by. */
export function failureRate(failures: FailureRate): string {
  const value = failureShare(failures);
  return value === null ? "no attempts yet" : rate(value);
}

/** "0.24 – 0.40 %": the 95 % interval, both ends with the same unit. */
export function interval(failures: FailureRate): string | null {
  if (failures.lower === null || failures.upper === null) return null;
  return `${rate(failures.lower).replace(/\s%$/, "")} – ${rate(failures.upper)}`;
}

/** "56 of 18,204 failed · 0.31 % (95 %: 0.24 – 0.40 %)", for tooltips and screen readers. */
export function failuresSay(failures: FailureRate): string {
  if (failures.attempts === 0) return silentSays(failures) ?? "No attempts yet";
  const between = interval(failures);
  const head = `${share(failures.failures, failures.attempts)} failed · ${failureRate(failures)}`;
  return [`${head}${between ? `, 95\u00a0% interval ${between}` : ""}`, silentSays(failures)]
    .filter(Boolean)
    .join(". ");
}

/** Devices that these figures know nothing of. */
export function silentSays(failures: FailureRate): string | null {
  if (failures.silent === 0) return null;
  return `${plural(failures.silent, "device")} ${failures.silent === 1 ? "uses a client that gives" : "use clients that give"} no failure signal`;
}

/** "17,531 of 74,608". */
export function activeSays(active: DeviceShare): string {
  return share(active.devices, active.of);
}

/** "17,531 devices". */
export function devices(value: number): string {
  return plural(value, "device");
}

/** The share in percent, for bars; 0 where there is nothing to divide by. */
export function percentOf(devices: number, of: number): number {
  return of > 0 ? Math.min(100, (devices / of) * 100) : 0;
}

/** "23.5 %". */
export function shareOf(devices: number, of: number): string {
  return of > 0 ? part(devices / of) : "–";
}

/** Confirmations over all spans of a sparkline. */
export function sparkSum(values: number[]): string {
  return count(values.reduce((total, value) => total + value, 0));
}

/** What a sparkline of confirmations says in words. */
export function sparkSays(values: number[]): string {
  return values.length === 0 ? "Nothing known yet" : `${sparkSum(values)} newly confirmed in the spans shown`;
}
