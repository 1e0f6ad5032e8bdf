import type { Dropped } from "../bindings/Dropped";
import type { Picked } from "../bindings/Picked";

/** A release on the board. */
export interface ReleaseRef {
  version: string;
  build: number;
  /** Label of the channel in which it stands. */
  channel: string;
}

/** A release under the pointer, with its frame on screen in CSS pixels. */
export interface DropTarget extends ReleaseRef {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Marks an element as a release that a web build can be dropped on. */
export function dropMark(release: { version: string; build: number }, channel: string): Record<string, string> {
  return { "data-drop-build": String(release.build), "data-version": release.version, "data-channel": channel };
}

/** The release at a point of the window. What lies over the page while something is dragged does not count. */
export function releaseAt(x: number, y: number): DropTarget | null {
  for (const element of document.elementsFromPoint(x, y)) {
    const found = element.closest<HTMLElement>("[data-drop-build]");
    if (!found) continue;
    const { dropBuild, version, channel } = found.dataset;
    const { left, top, width, height } = found.getBoundingClientRect();
    return { version: version ?? "", build: Number(dropBuild), channel: channel ?? "", left, top, width, height };
  }
  return null;
}

/** What was let go, and on what. */
export interface Drop {
  item: Picked;
  /** The release under the pointer; nothing = the app. */
  on: ReleaseRef | null;
}

/** A drag from the file manager over the window. The engine sees it; HTML drag events never fire here. */
class DropStore {
  /** What hangs over the window now; nothing when nothing does. */
  over = $state.raw<Picked | null>(null);
  /** The release under the pointer. */
  target = $state.raw<DropTarget | null>(null);

  /** Takes a drag event. Returns what was dropped, if it was. */
  apply(event: Dropped): Drop | null {
    const at = event.x === null || event.y === null ? null : releaseAt(event.x, event.y);
    switch (event.phase) {
      case "enter":
        this.over = event.item;
        this.#point(at);
        return null;
      case "over":
        this.#point(at);
        return null;
      default:
        this.cancel();
        return event.phase === "drop" && event.item ? { item: event.item, on: at } : null;
    }
  }

  /** The pointer moves far more often than it comes to another release. */
  #point(at: DropTarget | null): void {
    if (at?.build !== this.target?.build || at?.channel !== this.target?.channel) this.target = at;
  }

  /** Hides the overlay; the drag itself goes on in the file manager. */
  cancel(): void {
    this.over = null;
    this.target = null;
  }
}

export const drop = new DropStore();
