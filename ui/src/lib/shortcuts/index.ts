import { letters } from "../stores/letters.svelte";

/** The one table of keys: it decides what a key does and it fills the sheet of shortcuts. */

export type ShortcutId =
  | "ship-folder"
  | "paste"
  | "undo"
  | "pipeline"
  | "rollouts"
  | "devices"
  | "activity"
  | "keys"
  | "requests"
  | "settings"
  | "open"
  | "halt"
  | "roll-back"
  | "promote"
  | "compare"
  | "sync"
  | "shortcuts"
  | "left"
  | "right"
  | "up"
  | "down"
  | "first"
  | "last"
  | "close";

/** `window`: everywhere. `board`: only while the board has focus. `overlay`: while something lies over the page. */
export type Scope = "window" | "board" | "overlay";

export interface Shortcut {
  id: ShortcutId;
  /** `KeyboardEvent.key`, lower case. */
  key: string;
  /** Needs Cmd on macOS, Ctrl elsewhere. */
  mod: boolean;
  scope: Scope;
  /** What it does, for the sheet. */
  label: string;
  /** What it does in a word, for the strip; nothing = not shown there. */
  strip: string | null;
}

export const shortcuts: readonly Shortcut[] = [
  { id: "ship-folder", key: "o", mod: true, scope: "window", label: "Ship a folder…", strip: null },
  { id: "undo", key: "z", mod: true, scope: "window", label: "Undo what is about to be published", strip: null },
  { id: "pipeline", key: "1", mod: true, scope: "window", label: "Pipeline", strip: null },
  { id: "rollouts", key: "2", mod: true, scope: "window", label: "Rollouts", strip: null },
  { id: "devices", key: "3", mod: true, scope: "window", label: "Devices", strip: null },
  { id: "activity", key: "4", mod: true, scope: "window", label: "Activity", strip: null },
  { id: "keys", key: "5", mod: true, scope: "window", label: "Keys", strip: null },
  { id: "requests", key: "6", mod: true, scope: "window", label: "Requests", strip: null },
  { id: "settings", key: "7", mod: true, scope: "window", label: "Settings", strip: null },
  { id: "promote", key: "p", mod: false, scope: "board", label: "Promote the selected release…", strip: "Promote" },
  { id: "open", key: "enter", mod: false, scope: "board", label: "Open the rollout", strip: null },
  { id: "halt", key: "h", mod: false, scope: "board", label: "Halt the selected rollout…", strip: null },
  { id: "roll-back", key: "b", mod: false, scope: "board", label: "Roll back to the selected release…", strip: null },
  { id: "compare", key: "c", mod: false, scope: "board", label: "Compare the selected release…", strip: "Compare" },
  { id: "sync", key: "r", mod: false, scope: "board", label: "Read storage now", strip: "Read storage" },
  { id: "paste", key: "v", mod: true, scope: "board", label: "Ship a zip from a pasted address…", strip: null },
  { id: "left", key: "arrowleft", mod: false, scope: "board", label: "Channel before", strip: null },
  { id: "right", key: "arrowright", mod: false, scope: "board", label: "Channel after", strip: null },
  { id: "up", key: "arrowup", mod: false, scope: "board", label: "Newer release", strip: null },
  { id: "down", key: "arrowdown", mod: false, scope: "board", label: "Older release", strip: null },
  { id: "first", key: "home", mod: false, scope: "board", label: "First channel", strip: null },
  { id: "last", key: "end", mod: false, scope: "board", label: "Last channel", strip: null },
  { id: "shortcuts", key: "?", mod: false, scope: "board", label: "All keys", strip: "All keys" },
  { id: "close", key: "escape", mod: false, scope: "overlay", label: "Close what is open", strip: null },
];

/** The modifier's name on this computer. */
export function modKey(platform: string = navigator.platform): "⌘" | "Ctrl" {
  return /mac|iphone|ipad/i.test(platform) ? "⌘" : "Ctrl";
}

/** Keys of which the system itself makes something first: the event of the paste carries the text, the key does not. */
export const byTheSystem: readonly ShortcutId[] = ["paste"];

const names: Record<string, string> = {
  arrowleft: "←",
  arrowright: "→",
  arrowup: "↑",
  arrowdown: "↓",
  home: "Home",
  end: "End",
  escape: "Esc",
  enter: "Enter",
};

/** Key caps to show: ["Ctrl", "O"]. */
export function caps(shortcut: Shortcut, platform?: string): string[] {
  const key = names[shortcut.key] ?? shortcut.key.toUpperCase();
  return shortcut.mod ? [modKey(platform), key] : [key];
}

/** One entry of the table. */
export function shortcut(id: ShortcutId): Shortcut {
  const found = shortcuts.find((entry) => entry.id === id);
  if (!found) throw new Error(`no shortcut ${id}`);
  return found;
}

/** True where typed letters belong to a field. */
export function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

/** What a key means in the given scopes; nothing when it means nothing there, or when it is a letter that is turned off. */
export function match(event: KeyboardEvent, scopes: readonly Scope[]): ShortcutId | null {
  if (event.defaultPrevented || event.isComposing || event.altKey) return null;
  const mod = event.metaKey || event.ctrlKey;
  const key = event.key.toLowerCase();
  const found = shortcuts.find((entry) => entry.key === key && entry.mod === mod && scopes.includes(entry.scope));
  if (!found || !letters.allow(found)) return null;
  // A letter without a modifier is text while a field has focus.
  if (!found.mod && found.scope === "board" && typing(event.target)) return null;
  return found.id;
}
