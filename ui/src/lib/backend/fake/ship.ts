import type { Inspection } from "../../bindings/Inspection";
import type { Job } from "../../bindings/Job";
import type { Picked } from "../../bindings/Picked";
import type { PromotePlan } from "../../bindings/PromotePlan";
import type { PromoteRequest } from "../../bindings/PromoteRequest";
import type { Receipt } from "../../bindings/Receipt";
import type { Release } from "../../bindings/Release";
import type { ShipRequest } from "../../bindings/ShipRequest";
import type { SignKey } from "../../bindings/SignKey";
import type { SignPlan } from "../../bindings/SignPlan";
import type { Workspace } from "../../bindings/Workspace";
import { ago, digest } from "./data";

/** Sample data of a ship and of a promotion. */

export const www: Picked = {
  handle: "build-www",
  name: "www",
  kind: "folder",
  ok: true,
  says: "folder with index.html",
};

export const photo: Picked = {
  handle: "build-photo",
  name: "team-photo.png",
  kind: "other",
  ok: false,
  says: "Not a web build: neither a folder nor a .zip",
};

/** A zip that lies at an address already. */
export function atAddress(url: string): Picked {
  const name = url.split("/").at(-1) ?? url;
  return { handle: `at ${url}`, name, kind: "location", ok: true, says: "zip at an address, with index.html" };
}

export function inspectionOf(now: number, item: Picked, withoutMaps: boolean): Inspection {
  return {
    handle: item.handle,
    name: item.name,
    kind: item.kind,
    location: item.handle.startsWith("at ") ? item.handle.slice(3) : null,
    picked: ago(now, 20_000),
    tookMs: 1400,
    files: withoutMaps ? 670 : 684,
    size: withoutMaps ? 28_400_000 : 38_000_000,
    compressed: withoutMaps ? 9_100_000 : 11_900_000,
    sha256: digest(withoutMaps ? "77d1c0de" : "06f2aa55"),
    toUpload: item.kind === "location" ? 0 : withoutMaps ? 9_100_000 : 11_900_000,
    changes: [
      { channel: "development", against: "4.2.6, build 1312", added: 4, removed: 1, changed: 18 },
      { channel: "staging", against: "4.2.5, build 1308", added: 9, removed: 2, changed: 33 },
      { channel: "production", against: "4.2.4, build 1301", added: 12, removed: 3, changed: 41 },
    ],
    findings: [
      {
        code: "secret.token",
        severity: "error",
        title: "Possible secret",
        text: 'MAPS_KEY: "AIzaSyC…q4" would be readable on every device.',
        path: "assets/env.js",
        line: 3,
        fix: "Take it out of the web build, or allow it with a reason.",
        allowable: true,
      },
      ...(withoutMaps
        ? []
        : [
            {
              code: "maps.included",
              severity: "warning",
              title: "14 source maps included",
              text: "9.6 MB of readable source would reach every device.",
              path: null,
              line: null,
              fix: "Leave source maps out of the bundle.",
              allowable: true,
            },
          ]),
      {
        code: "size.first_paint",
        severity: "warning",
        title: "Bundle takes 32 s at 3 Mbit/s",
        text: "11.9 MB in one file.",
        path: null,
        line: null,
        fix: "Take out what devices do not need.",
        allowable: true,
      },
      {
        code: "build.index",
        severity: "ok",
        title: "index.html present",
        text: "At the bundle root, 4.1 KB, all 9 references resolve.",
        path: "index.html",
        line: null,
        fix: "",
        allowable: false,
      },
      {
        code: "source.clean",
        severity: "info",
        title: "Web build is clean at commit b71c9e2",
        text: "Branch release/4.2, nothing uncommitted.",
        path: null,
        line: null,
        fix: "",
        allowable: false,
      },
    ],
    passed: 9,
    biggest: [
      { path: "assets/video/onboarding.mp4", size: 6_200_000 },
      { path: "main.8c41f0.js.map", size: 5_100_000 },
      { path: "assets/fonts/NotoSansJP.woff2", size: 4_400_000 },
      { path: "vendor.a92e11.js", size: 3_100_000 },
      { path: "main.8c41f0.js", size: 1_900_000 },
    ],
    sourceMaps: 14,
    sourceMapBytes: 9_600_000,
    sourceMapsExcluded: withoutMaps,
    version: "4.2.7",
    build: 1316,
    commit: "b71c9e2f04d86a13c5590ae7d21f6b88e3c4079a",
    reference: "release/4.2",
    message: "Photo queue survives app restart",
  };
}

export const signPlanKeys: SignKey[] = [
  {
    name: "Acme release 2026",
    purpose: "Approvals",
    algorithm: "Ed25519",
    fingerprint: digest("86e0396b"),
    needed: "1 of 1 needed",
    here: true,
  },
  {
    name: "Acme freshness",
    purpose: "Rollouts and freshness",
    algorithm: "Ed25519",
    fingerprint: digest("4c01d9aa"),
    needed: "1 of 1 needed",
    here: true,
  },
];

export function signPlan(of: Workspace, request: ShipRequest, inspection: Inspection): SignPlan {
  const role = `${request.unit}.${request.channel}`;
  const build = request.build ?? inspection.build;
  const permille = request.permille ?? (request.channel === "production" ? 10 : 1000);
  return {
    plan: "plan-ship",
    version: request.version,
    build,
    unit: request.unit,
    channel: request.channel,
    permille,
    native: "all native versions",
    sha256: inspection.sha256,
    manifest: digest("b04e71c9"),
    roles: [
      { role, before: 17, now: 18, says: `Build ${build} may be served here`, key: "Acme release 2026" },
      {
        role: `${role}.rollout`,
        before: 23,
        now: 24,
        says: `Serves it now, to ${permille / 10} %`,
        key: "Acme freshness",
      },
      { role: "snapshot", before: 41, now: 42, says: "Names both", key: "Acme freshness" },
      { role: "timestamp", before: 96, now: 97, says: "This is current for 30 days", key: "Acme freshness" },
    ],
    keys: signPlanKeys,
    vault: of.vault,
    problem: null,
    canAsk: false,
    missing: [],
    findings: inspection.findings
      .filter((finding) => finding.severity === "error" || finding.severity === "warning")
      .map((finding) => ({
        finding,
        reason: request.allow.find((allow) => allow.code === finding.code)?.reason ?? null,
      })),
    typeToConfirm: request.channel === "production" ? "production" : null,
    files: inspection.files,
    size: inspection.compressed,
    toUpload: inspection.toUpload,
  };
}

export function promotePlan(now: number, of: Workspace, request: PromoteRequest, release: Release): PromotePlan {
  const permille = request.permille ?? (request.to === "production" ? 10 : 1000);
  const role = `${request.unit}.${request.to}`;
  return {
    plan: "plan-promote",
    release,
    from: request.from,
    to: request.to,
    fromSays: "Complete 100 %",
    replaces: request.to === "production" ? "replaces 4.2.4, build 1301" : "replaces 4.2.5, build 1308",
    starts: `Starts at ${permille / 10} %`,
    permille,
    fromSha256: release.sha256,
    toSha256: release.sha256,
    manifest: release.manifest,
    recomputed: new Date(now).toISOString(),
    affected: [
      {
        title: permille === 1000 ? "Every device" : `${permille / 10} % of the devices`,
        text: `on ${request.to} get ${release.version} at their next check`,
      },
      { title: "The release before stays approved", text: "You can roll back to it at any time" },
    ],
    roles: [
      { role, before: 11, now: 12, says: `Build ${release.build} may be served here`, key: "Acme release 2026" },
      {
        role: `${role}.rollout`,
        before: 30,
        now: 31,
        says: `Serves it to ${permille / 10} %`,
        key: "Acme freshness",
      },
    ],
    keys: signPlanKeys,
    vault: of.vault,
    problem: null,
    canAsk: false,
    missing: [],
    typeToConfirm: request.to === "production" ? "production" : null,
  };
}

export function receiptOf(now: number, of: Workspace, job: Job, plan: SignPlan | PromotePlan): Receipt {
  const shipped = "version" in plan;
  const version = shipped ? plan.version : plan.release.version;
  const build = shipped ? plan.build : plan.release.build;
  const sha256 = shipped ? plan.sha256 : plan.toSha256;
  const channel = job.channel ?? "development";
  return {
    app: of.app,
    unit: job.unit,
    channel,
    version,
    build,
    permille: plan.permille,
    headline: `A device in ${channel} now gets ${version}, build ${build}`,
    replaces: "4.2.6, build 1312",
    signedSha256: sha256,
    readBackSha256: sha256,
    manifest: plan.manifest,
    size: 11_900_000,
    files: 684,
    uploadedBytes: shipped ? 11_900_000 : 0,
    uploadedObjects: shipped ? 6 : 4,
    skippedBytes: shipped ? 0 : 11_900_000,
    skippedObjects: shipped ? 0 : 2,
    started: job.started,
    committed: ago(now, 400),
    finished: new Date(now).toISOString(),
    tookMs: now - Date.parse(job.started),
    visibleAfterMs: of.publicUrl === null ? null : 12_000,
    fetchMs: 1100,
    metadata: [
      { role: "timestamp", before: 96, now: 97, signedBy: "Acme freshness", readBack: true },
      { role: "snapshot", before: 41, now: 42, signedBy: "Acme freshness", readBack: true },
      { role: `main.${channel}`, before: 17, now: 18, signedBy: "Acme release 2026", readBack: true },
      { role: `main.${channel}.rollout`, before: 23, now: 24, signedBy: "Acme freshness", readBack: true },
    ],
    readFrom: of.publicUrl === null ? "storage" : "public_url",
    address: of.publicUrl ?? of.storage,
    rootPinned: 1,
    rootNow: 3,
    freshUntil: ago(now, -30 * 24 * 3_600_000),
    entry: digest("90d1b2c7"),
    next: [
      { title: "Devices", text: `get ${version} at their next check` },
      { title: "The release before stays approved", text: "roll back to it at any time" },
    ],
    gate:
      channel === "development"
        ? {
            from: "development",
            to: "staging",
            state: "open",
            label: "Ready",
            reason: "Your key may approve it.",
            build,
          }
        : null,
  };
}
