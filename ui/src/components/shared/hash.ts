import { hashGroups } from "../../lib/format";

/** A row of a hash comparison. */
export interface HashRow {
  label: string;
  /** SHA-256, hex. */
  hex: string;
}

const SHA256 = /^[0-9a-f]{64}$/i;

/**
 * All rows are the same SHA-256. Fewer than two rows or a value that is not a SHA-256 prove nothing,
 * so they are not equal: an empty answer must never look like a proof.
 */
export function allEqual(rows: HashRow[]): boolean {
  const [first, ...rest] = rows;
  if (!first || rest.length === 0 || !SHA256.test(first.hex)) return false;
  return rest.every((row) => row.hex.toLowerCase() === first.hex.toLowerCase());
}

/** Indices of the groups in which the rows differ. */
export function differing(rows: HashRow[]): Set<number> {
  const split = rows.map((row) => hashGroups(row.hex.toLowerCase()));
  const length = Math.max(0, ...split.map((one) => one.length));
  const found = new Set<number>();
  for (let index = 0; index < length; index += 1) {
    if (new Set(split.map((one) => one[index])).size > 1) found.add(index);
  }
  return found;
}
