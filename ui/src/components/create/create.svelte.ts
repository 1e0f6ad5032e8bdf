import { call, toIpcError } from "../../lib/backend";
import type { IpcError } from "../../lib/bindings/IpcError";
import type { TrustMember } from "../../lib/bindings/TrustMember";
import type { Workspace } from "../../lib/bindings/Workspace";
import { credentialsErrors, credentialsOf, isBucket, noCredentials } from "../connect/credentials";
import { anyWrong, nobody, trimmed, wrongOf, type MemberWrong, type TeamForm } from "../trust/members";

export type Profile = "solo" | "team";

const CHANNEL = /^[a-z0-9-]{1,32}$/u;
const APP = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/u;

/** A workspace that is about to be made. */
export class CreateForm implements TeamForm {
  app = $state("");
  name = $state("");
  storage = $state("");
  publicUrl = $state("");
  /** Counts only while the address names a bucket. */
  credentials = $state(noCredentials());
  /** Names, first to last, with commas between them. */
  channels = $state("development, staging, production");
  profile = $state<Profile>("solo");

  members = $state<TrustMember[]>([nobody()]);
  root = $state("2");
  last = $state("2");
  tried = $state(false);

  busy = $state(false);
  error = $state.raw<IpcError | null>(null);

  get owners(): number {
    return this.members.length + 1;
  }

  get approvers(): number {
    return this.owners;
  }

  get channelList(): string[] {
    return this.channels.split(/[\s,]+/u).filter(Boolean);
  }

  get bucket(): boolean {
    return isBucket(this.storage);
  }

  /** Others have to sign before there is a registry. */
  get asks(): boolean {
    return this.profile === "team" && Math.max(Number(this.root), Number(this.last)) > 1;
  }

  wrong(index: number): MemberWrong {
    return wrongOf(this.members, index, []);
  }

  /** What is missing or wrong; nothing when it can be made. Rust checks the same again. */
  get lacks(): string | null {
    if (!APP.test(this.app.trim())) return "Enter the app's identifier, such as com.acme.field.";
    if (this.name.trim() === "") return "Enter the name of the app.";
    if (this.storage.trim() === "") return "Enter the storage address.";
    const half = this.bucket ? Object.values(credentialsErrors(this.credentials, false)) : [];
    const missing = half.find((said) => said);
    if (missing) return missing;
    const channels = this.channelList;
    if (channels.length === 0 || channels.length > 12) return "Name 1 to 12 channels.";
    const bad = channels.find((channel) => !CHANNEL.test(channel));
    if (bad !== undefined) return `‘${bad}’ is no channel name: 1 to 32 of a–z, 0–9 and -.`;
    if (channels.some((channel, at) => channels.indexOf(channel) !== at)) return "Two channels have the same name.";
    if (this.profile === "team" && anyWrong(this)) return "Each owner needs a public key, a name and a holder.";
    return null;
  }

  /** Makes it. Gives nothing when it was not made. */
  async make(): Promise<Workspace | null> {
    this.tried = true;
    if (this.busy || this.lacks !== null) return null;
    this.busy = true;
    this.error = null;
    try {
      const { workspace } = await call("workspace_create", {
        app: this.app.trim(),
        name: this.name.trim(),
        storage: this.storage.trim(),
        publicUrl: this.publicUrl.trim() === "" ? null : this.publicUrl.trim(),
        channels: this.channelList,
        credentials: this.bucket ? credentialsOf(this.credentials) : null,
        team:
          this.profile === "team"
            ? { members: trimmed(this.members), root: Number(this.root), last: Number(this.last) }
            : null,
      });
      this.credentials = noCredentials();
      return workspace;
    } catch (thrown) {
      this.error = toIpcError(thrown);
      return null;
    } finally {
      this.busy = false;
    }
  }
}
