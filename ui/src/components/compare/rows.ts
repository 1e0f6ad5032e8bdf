import type { Board } from "../../lib/bindings/Board";
import type { Comparison } from "../../lib/bindings/Comparison";
import type { ReleaseRef } from "../../lib/stores/drop.svelte";

export type Change = "added" | "removed" | "changed";

/** Every other release on the board, the newest first, with the channels that have it. */
export function othersOf(board: Board, build: number): ReleaseRef[] {
  const found = new Map<number, ReleaseRef>();
  for (const { label, current, previous } of board.channels)
    for (const release of [...(current ? [current.release] : []), ...previous]) {
      const known = found.get(release.build);
      const channel = known ? `${known.channel}, ${label}` : label;
      if (release.build !== build)
        found.set(release.build, { version: release.version, build: release.build, channel });
    }
  return [...found.values()].sort((a, b) => b.build - a.build);
}

/** A file that is not the same on both sides. */
export interface CompareRow {
  change: Change;
  path: string;
  /** Bytes in the release; nothing = not in it. */
  old: number | null;
  /** Bytes in this web build; nothing = not in it. */
  own: number | null;
}

/** All files that differ, by path; what was added, removed and changed stands together as in a listing. */
export function compareRows(of: Comparison): CompareRow[] {
  const rows: CompareRow[] = [
    ...of.added.map(({ path, size }) => ({ change: "added" as const, path, old: null, own: size })),
    ...of.removed.map(({ path, size }) => ({ change: "removed" as const, path, old: size, own: null })),
    ...of.changed.map((file) => ({
      change: "changed" as const,
      path: file.path,
      old: file.oldSize,
      own: file.newSize,
    })),
  ];
  return rows.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

export type Verdict = "same" | "packer" | "different";

export function verdictOf(of: Comparison): Verdict {
  if (of.sameBytes) return "same";
  return of.sameFiles ? "packer" : "different";
}
