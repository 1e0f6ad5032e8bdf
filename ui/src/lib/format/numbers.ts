const NBSP = "\u00a0";
const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `17531` → "17,531". */
export function count(value: number): string {
  return grouped.format(value);
}

/** "1 file", "684 files". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Bytes in powers of 1000: "812 B", "61 KB", "1.8 MB", "38.0 MB". */
export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  let amount = Math.max(0, value);
  // 999.5 would round to "1000 KB", so the step up comes before it.
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  const digits = unit >= 2 || (unit === 1 && amount < 9.95) ? 1 : 0;
  return `${amount.toFixed(digits)} ${units[unit]}`;
}

/** What a person typed as a percentage, in permille; nothing when it is none between 0 and 100 with one decimal. */
export function permilleOf(typed: string): number | null {
  const found = /^(\d{1,3}(?:[.,]\d)?)\s*%?$/u.exec(typed.trim());
  const permille = Math.round(Number(found?.[1]?.replace(",", ".") ?? Number.NaN) * 10);
  return permille >= 0 && permille <= 1000 ? permille : null;
}

/** A share in permille: "25 %", "0.5 %", "100 %". */
export function percent(permille: number): string {
  const value = permille / 10;
  return `${Number.isInteger(value) ? value : value.toFixed(1)}${NBSP}%`;
}

/** A rate from 0 to 1 as precise as a sample deserves: "0.31 %", "23.5 %", "100 %", "0 %". */
export function rate(value: number): string {
  const shown = value * 100;
  const digits = shown === 0 || shown >= 99.95 ? 0 : shown >= 9.995 ? 1 : 2;
  return `${shown.toFixed(digits)}${NBSP}%`;
}

/** A part of all devices, 0 to 1, in a column of such: "23.5 %", "8.3 %", "under 0.1 %". */
export function part(value: number): string {
  if (value > 0 && value < 0.001) return `under 0.1${NBSP}%`;
  const shown = value * 100;
  return `${shown.toFixed(shown === 0 || shown === 100 ? 0 : 1)}${NBSP}%`;
}

/** "56 of 18,204". */
export function share(part: number, of: number): string {
  return `${count(part)} of ${count(of)}`;
}

/** "48 KB/s". */
export function speed(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

/** A length of time in milliseconds: "38 ms", "1.4 s", "52 s", "3 min 20 s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  return rest === 0 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 60)} min ${rest} s`;
}
