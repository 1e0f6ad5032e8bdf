import type { Dropped } from "../bindings/Dropped";
import type { Picked } from "../bindings/Picked";

/** A drag from the file manager over the window. The engine sees it; HTML drag events never fire here. */
class DropStore {
  /** What hangs over the window now; nothing when nothing does. */
  over = $state.raw<Picked | null>(null);

  /** Takes a drag event. Returns what was dropped, if it was. */
  apply(event: Dropped): Picked | null {
    if (event.phase === "enter") {
      this.over = event.item;
      return null;
    }
    this.over = null;
    return event.phase === "drop" ? event.item : null;
  }

  /** Hides the overlay; the drag itself goes on in the file manager. */
  cancel(): void {
    this.over = null;
  }
}

export const drop = new DropStore();
