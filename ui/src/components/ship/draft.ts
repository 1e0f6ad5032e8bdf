import type { Allow } from "../../lib/bindings/Allow";
import type { Finding } from "../../lib/bindings/Finding";
import type { Inspection } from "../../lib/bindings/Inspection";
import type { NativeRange } from "../../lib/bindings/NativeRange";
import type { ShipRequest } from "../../lib/bindings/ShipRequest";
import { isNativeMax, isNativeVersion } from "./native";

/** What the person has filled in so far. Nothing of it is believed: the engine checks all of it again. */
export interface Draft {
  version: string;
  build: string;
  channel: string;
  ios: NativeRange;
  android: NativeRange;
  /** For a zip at an address: its single files go into storage too. */
  uploadFiles: boolean;
  allow: Allow[];
  message: string;
  commit: string;
  /** Off unless the person turns it on: a release names nobody by itself. */
  nameAuthor: boolean;
  author: string;
}

export type DraftField = "version" | "build" | "channel" | "native" | "message" | "commit" | "author";
export type FieldErrors = Partial<Record<DraftField, string>>;

// semver.org, 2.0.0, the recommended expression without its capture names.
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/;
const COMMIT = /^[0-9a-f]{7,64}$/i;
/** Build numbers are 32-bit unsigned in the registry. */
const MAX_BUILD = 4_294_967_295;

export function emptyRange(): NativeRange {
  return { min: null, max: null, exclude: [] };
}

/** A draft with the suggestions of the inspection. */
export function draftOf(inspection: Inspection, channel: string): Draft {
  return {
    version: inspection.version,
    build: String(inspection.build),
    channel,
    ios: emptyRange(),
    android: emptyRange(),
    uploadFiles: false,
    allow: [],
    message: inspection.message ?? "",
    commit: inspection.commit ?? "",
    nameAuthor: false,
    author: "",
  };
}

function rangeError(range: NativeRange, platform: string): string | undefined {
  if (range.min && !isNativeVersion(range.min)) return `${platform}: the lowest version must look like 4.1.0.`;
  if (range.max && !isNativeMax(range.max)) return `${platform}: the highest version must look like 4.2.x or 4.2.3.`;
  const bad = range.exclude.find((version) => !isNativeVersion(version));
  return bad === undefined ? undefined : `${platform}: ‘${bad}’ is not a version like 4.1.3.`;
}

/** What is wrong with the fields, by field. Empty when the draft may be prepared. */
export function fieldErrors(draft: Draft): FieldErrors {
  const errors: FieldErrors = {};
  if (draft.version.trim() === "") errors.version = "A version is needed, such as 4.2.7.";
  else if (!SEMVER.test(draft.version.trim())) errors.version = "A version looks like 4.2.7.";
  const build = draft.build.trim();
  if (build !== "" && (!/^[1-9]\d*$/.test(build) || Number(build) > MAX_BUILD)) {
    errors.build = "A whole number from 1.";
  }
  if (draft.channel === "") errors.channel = "A channel is needed.";
  const native = rangeError(draft.ios, "iOS") ?? rangeError(draft.android, "Android");
  if (native) errors.native = native;
  if (draft.commit.trim() !== "" && !COMMIT.test(draft.commit.trim())) {
    errors.commit = "A commit is 7 to 64 hex digits.";
  }
  if (draft.nameAuthor && draft.author.trim() === "") errors.author = "A name is needed, or turn this off.";
  return errors;
}

function sameFinding(allow: Allow, finding: Finding): boolean {
  return allow.code === finding.code && (allow.path === null || allow.path === finding.path);
}

/** How the person allowed a finding, if so. */
export function allowOf(allow: Allow[], finding: Finding): Allow | undefined {
  return allow.find((one) => sameFinding(one, finding));
}

export function withAllow(allow: Allow[], finding: Finding, reason: string): Allow[] {
  return [...withoutAllow(allow, finding), { code: finding.code, path: finding.path, reason: reason.trim() }];
}

export function withoutAllow(allow: Allow[], finding: Finding): Allow[] {
  return allow.filter((one) => !sameFinding(one, finding));
}

/** Errors that still block: not allowed, or not allowable at all. */
export function blocking(findings: Finding[], allow: Allow[]): Finding[] {
  return findings.filter(
    (finding) => finding.severity === "error" && (!finding.allowable || allowOf(allow, finding) === undefined),
  );
}

/** Why the next step is closed; nothing when it is open. */
export function closedBecause(draft: Draft, findings: Finding[]): string | null {
  const open = blocking(findings, draft.allow);
  const fixed = open.filter((finding) => !finding.allowable);
  if (fixed.length > 0) return `${errorsWord(fixed.length)} must be fixed in the web build`;
  if (open.length > 0) return `${errorsWord(open.length)} to fix or to allow with a reason`;
  const errors = fieldErrors(draft);
  const first = (["version", "build", "channel", "native"] as const).find((field) => errors[field]);
  return first ? `${FIELD_NAMES[first]}: ${errors[first]}` : null;
}

const FIELDS: Record<string, DraftField> = {
  version: "version",
  build: "build",
  channel: "channel",
  ios: "native",
  android: "native",
  native: "native",
  message: "message",
  commit: "commit",
  author: "author",
};

/** The field of the form that an error of the engine names, if the form has it. */
export function fieldOf(name: string): DraftField | null {
  return FIELDS[name.split(".")[0] ?? ""] ?? null;
}

const FIELD_NAMES = { version: "Version", build: "Build", channel: "Channel", native: "Native builds" } as const;

function errorsWord(count: number): string {
  return count === 1 ? "1 error" : `${String(count)} errors`;
}

/** "1 error allowed · 3 warnings · 9 checks passed". */
export function preflightSummary(findings: Finding[], allow: Allow[], passed: number): string {
  const errors = findings.filter((finding) => finding.severity === "error");
  const open = blocking(findings, allow).length;
  const warnings = findings.filter((finding) => finding.severity === "warning").length;
  const shown = findings.some((finding) => finding.severity === "ok");
  const parts: string[] = [];
  if (open > 0) parts.push(errorsWord(open));
  if (errors.length > open) parts.push(`${errorsWord(errors.length - open)} allowed`);
  if (warnings > 0) parts.push(warnings === 1 ? "1 warning" : `${String(warnings)} warnings`);
  parts.push(`${String(passed)} ${shown ? "more " : ""}${passed === 1 ? "check" : "checks"} passed`);
  return parts.join(" · ");
}

function rangeOf(range: NativeRange): NativeRange {
  return {
    min: range.min?.trim() || null,
    max: range.max?.trim() || null,
    exclude: range.exclude.map((version) => version.trim()).filter((version) => version !== ""),
  };
}

export function requestOf(draft: Draft, inspection: Inspection, workspace: string, unit: string): ShipRequest {
  // A reason given for a finding that a new inspection no longer has must not be signed.
  const allow = draft.allow.filter((one) => inspection.findings.some((finding) => sameFinding(one, finding)));
  return {
    workspace,
    unit,
    handle: inspection.handle,
    version: draft.version.trim(),
    build: draft.build.trim() === "" ? null : Number(draft.build.trim()),
    channel: draft.channel,
    permille: null,
    ios: rangeOf(draft.ios),
    android: rangeOf(draft.android),
    uploadFiles: inspection.location !== null && draft.uploadFiles,
    allow,
    message: draft.message.trim() || null,
    commit: draft.commit.trim() || null,
    author: draft.nameAuthor ? draft.author.trim() || null : null,
  };
}
