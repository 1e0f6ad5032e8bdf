import ArrowRightToLine from "@lucide/svelte/icons/arrow-right-to-line";
import Ban from "@lucide/svelte/icons/ban";
import CircleCheck from "@lucide/svelte/icons/circle-check";
import CircleX from "@lucide/svelte/icons/circle-x";
import Flag from "@lucide/svelte/icons/flag";
import KeyRound from "@lucide/svelte/icons/key-round";
import OctagonPause from "@lucide/svelte/icons/octagon-pause";
import Package from "@lucide/svelte/icons/package";
import PenLine from "@lucide/svelte/icons/pen-line";
import Play from "@lucide/svelte/icons/play";
import RefreshCw from "@lucide/svelte/icons/refresh-cw";
import RotateCcw from "@lucide/svelte/icons/rotate-ccw";
import Settings2 from "@lucide/svelte/icons/settings-2";
import Snowflake from "@lucide/svelte/icons/snowflake";
import Sun from "@lucide/svelte/icons/sun";
import Smartphone from "@lucide/svelte/icons/smartphone";
import Undo2 from "@lucide/svelte/icons/undo-2";
import type { Component } from "svelte";
import StepsIcon from "../shared/icons/StepsIcon.svelte";

export interface KindLook {
  /** For the filter and the card: what a person does. */
  label: string;
  icon: Component<{ class?: string }>;
  tone: "accent" | "warn" | "danger" | "muted";
}

const looks: Record<string, KindLook> = {
  init: { label: "Make the workspace", icon: Flag, tone: "accent" },
  ship: { label: "Release", icon: Package, tone: "accent" },
  promote: { label: "Promote", icon: ArrowRightToLine, tone: "accent" },
  approve: { label: "Approve", icon: PenLine, tone: "accent" },
  start: { label: "Start a rollout", icon: StepsIcon, tone: "accent" },
  advance: { label: "Advance", icon: StepsIcon, tone: "accent" },
  complete: { label: "Complete", icon: CircleCheck, tone: "accent" },
  halt: { label: "Halt", icon: OctagonPause, tone: "warn" },
  resume: { label: "Resume", icon: Play, tone: "accent" },
  roll_back: { label: "Roll back", icon: Undo2, tone: "danger" },
  embedded: { label: "Return to embedded", icon: Undo2, tone: "danger" },
  freeze: { label: "Freeze", icon: Snowflake, tone: "warn" },
  unfreeze: { label: "Unfreeze", icon: Sun, tone: "accent" },
  native: { label: "Set native versions", icon: Smartphone, tone: "muted" },
  rollout: { label: "Change a rollout", icon: Settings2, tone: "muted" },
  keys: { label: "Keys and people", icon: KeyRound, tone: "warn" },
  settings: { label: "Settings", icon: Settings2, tone: "muted" },
  freshness: { label: "Renew freshness", icon: RefreshCw, tone: "muted" },
  synced: { label: "Read storage", icon: RefreshCw, tone: "muted" },
  counted: { label: "Read counts", icon: Smartphone, tone: "muted" },
  job_failed: { label: "Failed job", icon: CircleX, tone: "danger" },
  job_cancelled: { label: "Cancelled job", icon: Ban, tone: "muted" },
  request: { label: "Request for signatures", icon: PenLine, tone: "muted" },
  job_recovered: { label: "Recovered job", icon: RotateCcw, tone: "muted" },
};

/** How a kind is shown; one of a newer engine gets its own word. */
export function lookOf(kind: string): KindLook {
  return looks[kind] ?? { label: kind.replaceAll("_", " "), icon: PenLine, tone: "muted" };
}

export const groups = [
  { value: "", label: "All activity" },
  { value: "releases", label: "Releases and rollouts" },
  { value: "keys", label: "Keys and settings" },
  { value: "freshness", label: "Freshness" },
  { value: "local", label: "This computer" },
];
