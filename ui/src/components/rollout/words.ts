import type { RolloutAction } from "../../lib/bindings/RolloutAction";
import type { RolloutPlan } from "../../lib/bindings/RolloutPlan";
import type { RolloutView } from "../../lib/bindings/RolloutView";
import { percent } from "../../lib/format";

/** What an action is called and what it does. Halt, roll back and back to embedded are three things. */
export interface ActionWords {
  /** On a button that opens the dialog. */
  button: string;
  /** Title of the dialog. */
  title: string;
  /** On the button that signs. */
  confirm: string;
  /** The act itself: what it does and what it leaves alone. */
  lead: string;
  /** It takes something away from devices, so the button says it by its colour too. */
  danger: boolean;
}

interface About {
  action: string;
  /** Version that the channel serves newest; nothing = none. */
  version: string | null;
  channel: string;
  permille: number | null;
  /** Version to roll back to. */
  target: string | null;
}

/** The words for an action. */
export function wordsOf({ action, version, channel, permille, target }: About): ActionWords {
  const what = version ?? "the release";
  const to = permille === null ? "" : ` to ${percent(permille)}`;
  switch (action) {
    case "advance":
      return {
        button: `Advance${to}…`,
        title: `Advance ${what}${to} in ${channel}`,
        confirm: `Advance${to}`,
        lead: `Offers ${what} to more devices. Those that have it keep it.`,
        danger: false,
      };
    case "halt":
      return {
        button: "Halt…",
        title: `Halt ${what} in ${channel}`,
        confirm: `Halt ${what}`,
        lead: `Stops new offers of ${what}. No device moves back.`,
        danger: false,
      };
    case "resume":
      return {
        button: "Resume…",
        title: `Resume ${what} in ${channel}`,
        confirm: `Resume ${what}`,
        lead: `Goes on at the same share, with the same devices as before the halt.`,
        danger: false,
      };
    case "complete":
      return {
        button: "Complete…",
        title: `Complete ${what} in ${channel}`,
        confirm: `Complete ${what}`,
        lead: `Offers ${what} to every matching device and makes it the base.`,
        danger: false,
      };
    case "roll_back":
      return {
        button: "Roll back…",
        title: `Roll back ${channel}`,
        confirm: target === null ? "Roll back" : `Roll back to ${target}`,
        lead: `Moves devices to an earlier release that is approved.`,
        danger: true,
      };
    case "embedded":
      return {
        button: "Back to embedded…",
        title: `Back to embedded in ${channel}`,
        confirm: "Go back to embedded",
        lead: "Removes live updates from this channel: devices return to the build that the app store delivered.",
        danger: true,
      };
    case "freeze":
      return {
        button: "Freeze…",
        title: `Freeze ${channel}`,
        confirm: `Freeze ${channel}`,
        lead: "Nothing goes forward on the channel until it is unfrozen. What it serves goes on as it is.",
        danger: false,
      };
    case "unfreeze":
      return {
        button: "Unfreeze…",
        title: `Unfreeze ${channel}`,
        confirm: `Unfreeze ${channel}`,
        lead: "Opens the channel again. What it serves goes on as it is.",
        danger: false,
      };
    default:
      return { button: `${action}…`, title: "Change the rollout", confirm: "Sign the change", lead: "", danger: false };
  }
}

/** What an action does not undo. */
export function notUndone(action: string, version: string | null): string[] {
  if (action !== "roll_back" && action !== "embedded") return [];
  return [
    `Data that ${version ?? "the release"} wrote on devices stays as it is`,
    `${version ?? "The release"} stays in the log, with your reason`,
  ];
}

/** Buttons of the page: one that is put first, those beside it, and the rest in a menu. */
export interface Buttons {
  primary: RolloutAction | null;
  second: RolloutAction[];
  menu: RolloutAction[];
}

/** What fits a state. Something that cannot be done now stays in its place, with its reason. */
const FITTING: Record<string, { forward: string[]; beside: string[] }> = {
  rolling_out: { forward: ["advance", "complete"], beside: ["roll_back", "halt"] },
  stopped_by_gate: { forward: ["halt"], beside: ["roll_back"] },
  halted: { forward: ["resume"], beside: ["roll_back"] },
  complete: { forward: [], beside: ["roll_back"] },
};

/** Which action stands where. What the state asks for comes first, else the next step of it. */
export function buttonsOf(state: string, actions: RolloutAction[]): Buttons {
  const fitting = FITTING[state] ?? { forward: [], beside: [] };
  const named = (name: string): RolloutAction | undefined => actions.find((action) => action.action === name);
  // A last step has no share of its own: then completing is the next step.
  const ahead = fitting.forward
    .map(named)
    .filter((action) => action !== undefined)
    .filter((action) => action.action !== "advance" || action.permille !== null);
  const proposed = actions.find((action) => action.proposed && action.disabled === null);
  const primary = proposed ?? ahead[0] ?? null;
  const second = [...fitting.beside.map(named), ahead[0]].filter(
    (action) => action !== undefined && action !== primary,
  ) as RolloutAction[];
  const shown = new Set([primary, ...second]);
  return { primary, second, menu: actions.filter((action) => !shown.has(action)) };
}

/** Title of the page: "4.2.4 to production". */
export function titleOf(view: RolloutView): string {
  const channel = view.row.label.toLowerCase();
  return view.row.release ? `${view.row.release.version} to ${channel}` : `Rollout of ${channel}`;
}

/** Of the warnings only a gate that stopped it is news: counts and times go on while a person reads. */
const stopped = (warning: string): boolean => warning.startsWith("The health gate stopped");

/** True when the same thing would be signed: what changed meanwhile is shown before anybody signs it. */
export function sameChange(a: RolloutPlan, b: RolloutPlan): boolean {
  const facts = ({ before, after, warnings, roles, keys, typeToConfirm, problem }: RolloutPlan): string =>
    JSON.stringify([
      before,
      after,
      warnings.some(stopped),
      roles,
      keys.map((key) => [key.fingerprint, key.here]),
      typeToConfirm,
      problem?.code,
    ]);
  return facts(a) === facts(b);
}
