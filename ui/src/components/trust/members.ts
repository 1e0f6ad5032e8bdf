import type { SignerKey } from "../../lib/bindings/SignerKey";
import type { TrustMember } from "../../lib/bindings/TrustMember";
import { publicError } from "./words";

/** What is wrong with each field of a person. */
export type MemberWrong = Record<keyof TrustMember, string | null>;

/** A form that asks for people with their keys. */
export interface MembersForm {
  members: TrustMember[];
  /** The form was sent once: what is missing is said. */
  readonly tried: boolean;
  wrong(index: number): MemberWrong;
}

/** A form that makes a team: the other owners, and how many of all must sign. */
export interface TeamForm extends MembersForm {
  root: string;
  last: string;
  /** Owners, with the person at this computer. */
  readonly owners: number;
  /** Keys that can approve for the last channel. */
  readonly approvers: number;
}

export const nobody = (): TrustMember => ({ public: "", name: "", holder: "" });

/** What is wrong with a person, beside the others and the keys that are known already. */
export function wrongOf(members: TrustMember[], index: number, known: SignerKey[]): MemberWrong {
  const member = members[index];
  if (!member) return { public: null, name: null, holder: null };
  const before = members.filter((_, at) => at < index);
  const name = member.name.trim();
  const taken = [...known, ...before].some((key) => key.name === name);
  return {
    public: publicError(
      member.public,
      known,
      before.map((other) => other.public),
    ),
    name: name === "" ? "Give the key a name." : taken ? "A key has this name." : null,
    holder: member.holder.trim() === "" ? "Say who holds it." : null,
  };
}

/** True when something is wrong with one of them. */
export function anyWrong(form: MembersForm): boolean {
  return form.members.some((_, at) => Object.values(form.wrong(at)).some((said) => said !== null));
}

/** As they are sent. */
export function trimmed(members: TrustMember[]): TrustMember[] {
  return members.map((member) => ({
    public: member.public.trim(),
    name: member.name.trim(),
    holder: member.holder.trim(),
  }));
}

/** "2 of 3", for every number of signatures that so many keys can make. */
export function numbers(of: number): { value: string; label: string }[] {
  const count = Math.max(1, Math.min(of, 64));
  return Array.from({ length: count }, (_, at) => ({
    value: String(at + 1),
    label: `${String(at + 1)} of ${String(count)}`,
  }));
}
