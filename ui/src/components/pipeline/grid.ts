import type { Board } from "../../lib/bindings/Board";
import type { ShortcutId } from "../../lib/shortcuts";

/** A place on the board: channel, then row. Row 0 is what the channel serves, the rest are earlier releases. */
export interface Place {
  column: number;
  row: number;
}

/** Rows of each column. A column always has its first row, also when the channel is empty. */
export function rowsOf(board: Board): number[] {
  return board.channels.map((channel) => 1 + channel.previous.length);
}

/** Where an arrow key leads. It stops at the edges, and a shorter column takes its last row. */
export function move(from: Place, key: ShortcutId, rows: number[]): Place {
  const last = rows.length - 1;
  const column =
    key === "left"
      ? Math.max(0, from.column - 1)
      : key === "right"
        ? Math.min(last, from.column + 1)
        : key === "first"
          ? 0
          : key === "last"
            ? last
            : from.column;
  const wanted = key === "up" ? from.row - 1 : key === "down" ? from.row + 1 : from.row;
  return { column, row: Math.min(Math.max(0, wanted), (rows[column] ?? 1) - 1) };
}

/** The release at a place; nothing when the channel is empty. */
export function releaseOf(board: Board, place: Place): { version: string; build: number; channel: string } | null {
  const channel = board.channels[place.column];
  const release = place.row === 0 ? channel?.current?.release : channel?.previous[place.row - 1];
  return channel && release ? { version: release.version, build: release.build, channel: channel.label } : null;
}

/** Mark of a place in the page. */
export function mark(place: Place): string {
  return `${place.column}:${place.row}`;
}
