/** Splits hex digits into groups of four. */
export function hashGroups(hex: string): string[] {
  return hex.match(/.{1,4}/g) ?? [];
}

/** The first 8 digits in two groups, for lists: "1d50 50ae". */
export function hash8(hex: string): string {
  return hashGroups(hex.slice(0, 8)).join(" ");
}

/** The first 7 digits of a commit. */
export function commit7(commit: string): string {
  return commit.slice(0, 7);
}
