import type { NativeRange } from "../../lib/bindings/NativeRange";

const PART = "(?:0|[1-9]\\d*)";
const EXACT = new RegExp(`^${PART}\\.${PART}\\.${PART}$`);
const MAX = new RegExp(`^${PART}\\.(?:x|${PART}\\.(?:x|${PART}))$`);

/** `4.1.0`: the shape of the lowest version and of excluded ones. */
export function isNativeVersion(text: string): boolean {
  return EXACT.test(text.trim());
}

/** `4.2.3`, `4.2.x` or `4.x`: the shape of the highest version. */
export function isNativeMax(text: string): boolean {
  return MAX.test(text.trim());
}

/** One platform in words: "4.1.0 – 4.2.x without 4.1.3", "all". */
export function rangeWords(range: NativeRange): string {
  const { min, max, exclude } = range;
  let words = "all";
  if (min && max) words = `${min} – ${max}`;
  else if (min) words = `${min} and later`;
  else if (max) words = `up to ${max}`;
  return exclude.length > 0 ? `${words} without ${exclude.join(", ")}` : words;
}

/** Both platforms in words, shortened when they agree. */
export function nativeWords(ios: NativeRange, android: NativeRange): string {
  const a = rangeWords(ios);
  const b = rangeWords(android);
  if (a === b) return a === "all" ? "All native versions" : a;
  return `iOS ${a} · Android ${b}`;
}

/** Splits "4.1.3, 4.1.4" into versions. */
export function splitVersions(text: string): string[] {
  return text
    .split(/[\s,;]+/)
    .map((version) => version.trim())
    .filter((version) => version !== "");
}
