import type { Approval } from "../../bindings/Approval";
import type { ApprovalDetail } from "../../bindings/ApprovalDetail";
import type { ApprovedFile } from "../../bindings/ApprovedFile";
import type { CommandMap } from "../../bindings/CommandMap";
import type { IpcError } from "../../bindings/IpcError";
import type { PromotePlan } from "../../bindings/PromotePlan";
import type { SignedLine } from "../../bindings/SignedLine";
import type { SignerKey } from "../../bindings/SignerKey";
import type { Command } from "../backend";
import { ago, day, digest } from "./data";

type Handlers = { [C in Command]?: (request: CommandMap[C][0]) => CommandMap[C][1] | Promise<CommandMap[C][1]> };
type Run = (title: string, workspace: string, channel: string | null, finish: () => void) => string;

const WORDS = "violet oyster ember quartz thistle wharf amber indigo pebble velvet willow nectar".split(" ");
const hour = day / 24;

function problem(code: string, message: string): IpcError {
  return { code, message, holds: "Nothing was changed.", remedy: "", detail: null, retryable: false, field: null };
}

const key = (start: string, name: string, holder: string, own: boolean, signed: boolean): SignerKey => ({
  id: digest(start),
  name,
  holder,
  own,
  signed,
  arrived: signed ? ago(Date.now(), 2 * hour) : null,
});

/** Keys of the role; `signed` are the first letters of those whose signature is there. */
function signers(signed: string): SignerKey[] {
  return [
    key("86e0396b", "Acme release 2026", "Mara Lindqvist", true, signed.includes("A")),
    key("5d21c3f0", "Ines backup 2026", "Ines Caro", false, signed.includes("I")),
    key("c7416671", "Acme vault 2026", "Offline workstation", false, signed.includes("V")),
  ];
}

/** What a plan says that lacks a signature of somebody else. */
export function lacking(): Pick<PromotePlan, "problem" | "canAsk" | "missing"> {
  return {
    problem: problem("signing.incomplete", "main.production needs 2 signatures, and 1 can be made here."),
    canAsk: true,
    missing: [{ role: "main.production", need: 2, have: 1, keys: signers("") }],
  };
}

const line = (what: string, before: string | null, after: string, mark: string): SignedLine => ({
  what,
  before,
  after,
  mark,
});

const lines: SignedLine[] = [
  line("May be served", "4.2.4 and 11 earlier", "4.2.5, build 1308, and the same 12", "changed"),
  line("Native builds", "4.1.0 – 4.2.x", "4.1.0 – 4.2.x", "same"),
  line("Signatures needed", "2 of 3", "2 of 3", "same"),
  line("Valid until", "3 Jan 2027", "12 Jan 2027", "changed"),
];

const file = (kind: string, path: string, before: number | null, after: number | null): ApprovedFile => ({
  kind,
  path,
  before,
  after,
});

const files: ApprovedFile[] = [
  file("added", "photos-queue.5d9c20.js", null, 148_000),
  file("removed", "upload-form.3b1a77.js", 96_000, null),
  file("changed", "main.a1f2c8.js", 1_840_000, 1_911_000),
  file("removed", "assets/img/spinner.gif", 44_000, null),
  file("added", "assets/i18n/ja.json", null, 38_000),
  file("changed", "vendor.a92e11.js", 3_080_000, 3_102_000),
  file("changed", "styles.e20d9a.css", 212_000, 206_000),
  file("added", "assets/icons/queue.svg", null, 2_100),
  file("changed", "assets/i18n/sv.json", 40_000, 41_800),
  file("changed", "assets/i18n/de.json", 41_000, 42_200),
  file("changed", "index.html", 2_200, 2_240),
  file("added", "assets/icons/retry.svg", null, 1_900),
];

/** Requests of the sample: one per state that a person can meet. */
function sample(now: number): Approval[] {
  const base: Approval = {
    id: "a1",
    title: "Promote 4.2.5 to production",
    own: true,
    state: "open",
    unit: "main",
    channel: "production",
    by: "Mara Lindqvist",
    reason: "Photo queue is stable on staging since yesterday",
    created: ago(now, 2 * hour),
    expires: ago(now, -22 * hour),
    expired: false,
    have: 1,
    need: 2,
    complete: false,
    mine: false,
    rsa: null,
    stale: null,
    events: [
      { at: ago(now, 2 * hour), by: "Mara Lindqvist", what: "asked", text: "Photo queue is stable on staging" },
      { at: ago(now, 2 * hour), by: "Mara Lindqvist", what: "signed", text: "Acme release 2026" },
    ],
    job: null,
  };
  const past = { own: true, mine: false, created: ago(now, 4 * day), expires: ago(now, -3 * day) };
  return [
    base,
    {
      ...base,
      id: "b2",
      title: "Release 4.2.6 to staging",
      channel: "staging",
      own: false,
      mine: true,
      by: "Ines Caro",
      reason: "Fixes the crash on sign-in",
      events: [{ at: ago(now, hour), by: "Ines Caro", what: "asked", text: "Fixes the crash on sign-in" }],
    },
    {
      ...base,
      ...past,
      id: "c3",
      title: "Promote 4.2.4 to beta",
      channel: "beta",
      have: 2,
      complete: true,
    },
    {
      ...base,
      ...past,
      id: "d4",
      title: "Promote 4.2.3 to production",
      stale: "Jonas Weber published version 31 of main.production on 14 Jul at 09:12.",
    },
    {
      ...base,
      ...past,
      id: "e5",
      title: "Promote 4.2.2 to production",
      expires: ago(now, day),
      expired: true,
    },
    { ...base, ...past, id: "f6", title: "Promote 4.2.1 to production", state: "withdrawn" },
  ];
}

function detailOf(approval: Approval, alarmed: boolean): ApprovalDetail {
  const keys = signers(approval.complete ? "AI" : approval.own ? "A" : "I");
  return {
    approval,
    derived: approval.title,
    roles: [
      {
        role: `main.${approval.channel ?? "production"}`,
        version: 32,
        against: 31,
        sha256: digest("77aa"),
        words: WORDS,
        lines: alarmed ? [...lines, line("Earlier releases", "12 stay", "3 are taken away", "danger")] : lines,
        have: approval.have,
        need: approval.need,
        keys,
        expires: approval.expires,
      },
    ],
    alarms: alarmed ? ["3 earlier releases cannot be rolled back to any more."] : [],
    release: {
      version: "4.2.5",
      build: 1308,
      commit: "689441f0c2a97be41d5083c6f17a20be94d3c511",
      sha256: digest("1d5050ae447a058e"),
      words: WORDS,
      size: 11_900_000,
      native: "4.1.0 – 4.2.x",
    },
    difference: { against: "4.2.4", files, same: 643 },
    typeToConfirm: approval.channel === "staging" ? null : approval.channel,
    effect:
      approval.channel === null ? null : `1 % of the devices on ${approval.channel} get it first, a fixed random group`,
  };
}

/** Requests for signatures, as a console keeps them. */
export class FakeApprovals {
  list: Approval[] = [];
  /** Requests that something speaks against. */
  readonly alarmed = new Set(["b2"]);
  location: string | null = null;
  /** When the private location was last read, and why the last look failed. */
  looked: string | null = null;
  lookFailed: IpcError | null = null;
  /** Whether a request fits into a QR code. */
  fits: "whole" | "light" | "no" = "whole";
  readonly #now: () => number;
  readonly #full: () => boolean;
  #filled = false;

  /** `full`: the sample has requests from the start. */
  constructor(now: () => number, full: () => boolean, run: Run) {
    this.#now = now;
    this.#full = full;
    this.handlers = this.#make(run);
  }

  readonly handlers: Handlers;

  #all(): Approval[] {
    if (!this.#filled && this.#full()) this.list = sample(this.#now());
    this.#filled = true;
    return this.list;
  }

  #find(id: string): Approval {
    const found = this.#all().find((one) => one.id === id);
    if (!found) throw problem("signing.unknown", "No such request is known here.");
    return found;
  }

  #change(id: string, change: Partial<Approval>): Approval {
    const next = { ...this.#find(id), ...change };
    this.list = this.list.map((one) => (one.id === id ? next : one));
    return next;
  }

  #make(run: Run): Handlers {
    return {
      approvals: () => ({
        list: this.#all(),
        location: this.location,
        looked: this.location === null ? null : this.looked,
        problem: this.lookFailed,
      }),
      approval: ({ id }) => detailOf(this.#find(id), this.alarmed.has(id)),
      approval_ask: ({ reason }) => {
        const job = run("Ask for signatures: promote 4.2.5 to production", "acme", "production", () => {
          const made = sample(this.#now()).filter((one) => one.id === "a1");
          this.list = [...made.map((one) => ({ ...one, reason })), ...this.#all().filter((one) => one.id !== "a1")];
        });
        return { job, id: "a1" };
      },
      approval_sign: ({ id }) => {
        this.#change(id, { mine: false, have: 2, complete: true });
        return { id, added: ["Acme release 2026"], known: [], complete: true };
      },
      approval_refuse: ({ id }) => {
        this.#change(id, { state: "refused", mine: false });
        return {};
      },
      approval_withdraw: ({ id }) => {
        this.#change(id, { state: "withdrawn" });
        return {};
      },
      approval_publish: ({ workspace, id }) => {
        const { title, channel } = this.#find(id);
        return { job: run(title, workspace, channel, () => this.#change(id, { state: "done" })) };
      },
      approval_again: ({ workspace, id }) => {
        const { title, channel } = this.#find(id);
        const job = run(`Ask again: ${title}`, workspace, channel, () => this.#change(id, { state: "replaced" }));
        return { job, id: "a1" };
      },
      approval_save: ({ bundle }) => ({ file: "a1.hgrequest", bundle }),
      approval_qr: () => ({
        code: this.fits === "no" ? null : { side: 3, path: "M0 0h1v1h-1zM2 0h1v1h-1zM1 1h1v1h-1z" },
        light: this.fits !== "whole",
        problem:
          this.fits === "no"
            ? problem("usage.argument", "It does not fit into a QR code: 4100 bytes, and 2953 fit.")
            : null,
      }),
      approval_scan: () => {
        this.#change("a1", { have: 2, complete: true });
        return { id: "a1", added: ["Acme vault 2026"], known: [], complete: true };
      },
      approval_import: () => {
        this.#change("a1", { have: 2, complete: true });
        return { id: "a1", added: ["Ines backup 2026"], known: [], complete: true };
      },
      proposals_set: ({ address }) => {
        this.location = address;
        return {};
      },
      proposals_read: () => {
        if (this.location === null) throw problem("usage.argument", "No private location is set.");
        this.looked = ago(this.#now(), 0);
        return { proposals: 1, answers: 0, ignored: [] };
      },
    };
  }
}
