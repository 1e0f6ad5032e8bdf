import { call, toIpcError } from "../../lib/backend";
import type { Asked } from "../../lib/bindings/Asked";
import type { SignerKey } from "../../lib/bindings/SignerKey";
import type { TrustCeremony } from "../../lib/bindings/TrustCeremony";
import type { TrustMember } from "../../lib/bindings/TrustMember";
import type { TrustPlan } from "../../lib/bindings/TrustPlan";
import type { TrustRole } from "../../lib/bindings/TrustRole";
import type { TrustView } from "../../lib/bindings/TrustView";
import { JobFlow } from "../ship/job.svelte";
import { anyWrong, nobody, trimmed, wrongOf, type MemberWrong, type TeamForm } from "./members";
import { sameTrust, waitingFor, type TrustKind, type TrustStart } from "./words";

interface Start {
  workspace: string;
  /** Skips the choice. */
  start: TrustStart | null;
  /** A job to look at again. */
  job: string | null;
}

/** One change of who may sign what: choice, form, review, then the job or the request. */
export class TrustFlow extends JobFlow implements TeamForm {
  readonly #start: Start;
  /** Who may sign what now. */
  view = $state.raw<TrustView | null>(null);
  step = $state<"choose" | "form" | "review">("choose");
  kind = $state<TrustKind | null>(null);

  /** People that are added; all but a team have one. */
  members = $state<TrustMember[]>([nobody()]);
  roles = $state<string[]>([]);
  key = $state("");
  role = $state("");
  threshold = $state("1");
  root = $state("2");
  last = $state("2");
  /** The form was sent once: what is missing is said. */
  tried = $state(false);

  plan = $state.raw<TrustPlan | null>(null);
  /** Weaker protection was read and is meant. */
  accepted = $state(false);
  reason = $state("");
  typed = $state("");
  /** Others changed roles between reading and signing. */
  moved = $state(false);
  /** The request that other people answer. */
  asked = $state.raw<Asked | null>(null);
  /** Signatures that it waits for. */
  waits = $state(0);

  constructor(start: Start) {
    super();
    this.#start = start;
  }

  async begin(): Promise<void> {
    const { workspace, start, job } = this.#start;
    if (job !== null) {
      await this.attempt(() => this.show(job));
      return;
    }
    await this.attempt(async () => {
      this.view = await call("trust", { workspace });
    });
    if (start === null || this.view === null) return;
    this.choose(start.does);
    this.key = start.key;
    this.pick();
    this.step = "form";
  }

  /** Sets what is done, with a form that can be sent where there is only one answer. */
  choose(kind: TrustKind): void {
    if (kind === this.kind) return;
    this.kind = kind;
    this.members = kind === "team" ? [nobody(), nobody()] : [nobody()];
    this.roles = [];
    this.key = this.view?.keys[0]?.id ?? "";
    this.role = this.view?.roles[0]?.role ?? "";
    this.tried = false;
    this.pick();
  }

  next(): void {
    if (this.step === "choose" && this.kind !== null) this.step = "form";
  }

  back(): void {
    this.error = null;
    if (this.step === "review") this.step = "form";
    else if (this.#start.start === null) this.step = "choose";
  }

  /** Roles that may be chosen with this ceremony. */
  get open(): TrustRole[] {
    const roles = this.view?.roles ?? [];
    // Freshness is signed again by itself.
    if (this.kind === "renew") return roles.filter(({ role }) => role !== "snapshot" && role !== "timestamp");
    if (this.kind === "grant") return roles.filter(({ keys }) => !keys.includes(this.key));
    if (this.kind === "revoke") return roles.filter(({ keys }) => keys.includes(this.key));
    return roles;
  }

  get chosen(): TrustRole | undefined {
    return this.view?.roles.find(({ role }) => role === this.role);
  }

  get oldKey(): SignerKey | undefined {
    return this.view?.keys.find(({ id }) => id === this.key);
  }

  /** Keeps the role one of those that are open, and the threshold that of the role. */
  pick(): void {
    if (!this.open.some(({ role }) => role === this.role)) this.role = this.open[0]?.role ?? "";
    this.threshold = String(this.chosen?.threshold ?? 1);
  }

  /** Owners after a team is made. */
  get owners(): number {
    const root = this.view?.roles.find(({ role }) => role === "root");
    return (root?.keys.length ?? 1) + this.members.length;
  }

  /** Keys that can sign the last channel once a team is made. */
  get approvers(): number {
    const of = this.view?.roles.filter(({ role }) => /^[^.]+\.[^.]+$/u.test(role)) ?? [];
    const last = of.filter(({ role }) => role.endsWith(`.${this.view?.last ?? ""}`));
    return Math.min(...last.map(({ keys }) => keys.length), Number.MAX_SAFE_INTEGER) + this.members.length;
  }

  wrong(index: number): MemberWrong {
    return wrongOf(this.members, index, this.view?.keys ?? []);
  }

  /** What the form lacks; nothing when it can be sent. */
  get lacks(): string | null {
    const people = this.kind === "team" || this.kind === "add" || this.kind === "rotate";
    if (people && anyWrong(this)) return "Needs a key, a name and a holder for each person";
    if ((this.kind === "add" || this.kind === "renew") && this.roles.length === 0) return "Needs a role";
    if ((this.kind === "grant" || this.kind === "revoke") && this.role === "") return "No role is left for this key";
    if (this.kind === "threshold" && Number(this.threshold) === this.chosen?.threshold) return "Needs another number";
    return null;
  }

  get #ceremony(): TrustCeremony {
    const people = trimmed(this.members);
    const one = people[0] ?? nobody();
    const { key, role } = this;
    switch (this.kind) {
      case "team":
        return { kind: "team", members: people, root: Number(this.root), last: Number(this.last) };
      case "add":
        return { kind: "add", member: one, roles: [...this.roles] };
      case "remove":
        return { kind: "remove", key };
      case "rotate":
        return { kind: "rotate", old: key, new: one };
      case "renew":
        return { kind: "renew", roles: [...this.roles] };
      case "grant":
        return { kind: "grant", role, key };
      case "revoke":
        return { kind: "revoke", role, key };
      default:
        return { kind: "threshold", role, threshold: Number(this.threshold) };
    }
  }

  /** From the form to the review. */
  async review(): Promise<void> {
    this.tried = true;
    if (this.lacks !== null || this.busy) return;
    this.accepted = false;
    this.moved = false;
    this.typed = "";
    if ((await this.#prepare()) !== null) this.step = "review";
  }

  /** Derives the change again: others may have signed or published meanwhile. */
  async again(): Promise<void> {
    await this.#prepare();
  }

  async #prepare(): Promise<TrustPlan | null> {
    const { workspace } = this.#start;
    this.busy = true;
    this.error = null;
    try {
      const plan = await call("trust_prepare", { workspace, ceremony: this.#ceremony, reason: this.reason.trim() });
      this.plan = plan;
      return plan;
    } catch (thrown) {
      this.error = toIpcError(thrown);
      return null;
    } finally {
      this.busy = false;
    }
  }

  /** It is asked for and not published. */
  get asks(): boolean {
    return this.plan?.canAsk ?? false;
  }

  /** Why the last button is closed; nothing when it is open. */
  get closed(): string | null {
    const { plan } = this;
    if (plan === null || this.error !== null) return "The change could not be derived";
    if (this.busy) return "Reading storage…";
    if (plan.problem !== null && !plan.canAsk) return "Needs a key that can sign here";
    const missing: string[] = [];
    if (plan.weakened.length > 0 && !this.accepted) missing.push("your tick below what gets weaker");
    if (!plan.canAsk && this.typed.trim() !== plan.typeToConfirm) missing.push("the app's identifier");
    return missing.length > 0 ? `Needs ${missing.join(" and ")}` : null;
  }

  /** Publishes, or asks the others. The reason is signed with it, so the change is derived again, and compared. */
  async confirm(): Promise<void> {
    const shown = this.plan;
    if (shown === null || this.closed !== null) return;
    this.moved = false;
    const plan = this.reason.trim() === "" ? shown : await this.#prepare();
    if (plan === null) return;
    if (!sameTrust(shown, plan)) {
      this.moved = true;
      this.accepted = false;
      return;
    }
    await this.attempt(async () => {
      if (plan.canAsk) {
        const asked = await call("approval_ask", { plan: plan.plan, reason: this.reason.trim() });
        this.waits = waitingFor(plan);
        this.asked = asked;
        await this.show(asked.job);
      } else {
        const { job } = await call("trust_start", { plan: plan.plan, typed: this.typed.trim() });
        await this.show(job);
      }
    });
  }
}
