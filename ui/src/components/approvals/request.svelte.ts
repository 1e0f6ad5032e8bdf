import { call, toIpcError } from "../../lib/backend";
import type { IpcError } from "../../lib/bindings/IpcError";
import type { ResponseImported } from "../../lib/bindings/ResponseImported";
import { plural } from "../../lib/format";
import { app } from "../../lib/stores/app.svelte";
import { jobs } from "../../lib/stores/jobs.svelte";
import { toasts } from "../../lib/stores/toasts.svelte";
import { follow } from "../ship/follow";

/** How a response comes in: as a file, or as a picture of its QR code. */
export type ResponseFrom = "file" | "picture";

/** Takes a response in; returns the request that it answers, or nothing when the dialog was closed. */
export async function importResponse(workspace: string, from: ResponseFrom): Promise<string | null> {
  const taken = await call(from === "file" ? "approval_import" : "approval_scan", { workspace });
  if (taken.id !== null) said(taken);
  return taken.id;
}

function said({ added, known, complete }: ResponseImported): void {
  const more = complete ? "Everything is signed." : "More signatures are needed.";
  if (added.length > 0) toasts.ok(`${plural(added.length, "signature")} added`, `${added.join(", ")}. ${more}`);
  else toasts.info("Nothing new in it", known.length > 0 ? `Known already: ${known.join(", ")}.` : more);
}

/** What a person does to one request. */
export class RequestFlow {
  readonly #workspace: string;
  readonly #id: string;
  error = $state.raw<IpcError | null>(null);
  /** What did not happen. */
  failed = $state("");
  busy = $state<"sign" | "again" | ResponseFrom | null>(null);
  /** The job that asks again, and the request that it makes. */
  #again = $state.raw<{ job: string; id: string } | null>(null);

  constructor(workspace: string, id: string) {
    this.#workspace = workspace;
    this.#id = id;
  }

  get #ref(): { workspace: string; id: string } {
    return { workspace: this.#workspace, id: this.#id };
  }

  sign(): Promise<void> {
    return this.#try("sign", "Nothing was signed", async () => {
      said(await call("approval_sign", this.#ref));
    });
  }

  importResponse(from: ResponseFrom): Promise<void> {
    return this.#try(from, "No response was taken in", async () => {
      const id = await importResponse(this.#workspace, from);
      if (id !== null && id !== this.#id) app.showRequest(id);
    });
  }

  again(): Promise<void> {
    return this.#try("again", "Nobody was asked", async () => {
      const asked = await call("approval_again", this.#ref);
      await follow(asked.job);
      this.#again = asked;
    });
  }

  /** The request that took the place of this one, once its job is done. */
  get replacedBy(): string | null {
    return jobs.get(this.#again?.job ?? null)?.state === "done" ? (this.#again?.id ?? null) : null;
  }

  async refuse(reason: string): Promise<void> {
    await call("approval_refuse", { ...this.#ref, reason });
    app.requestsChanged(this.#workspace);
  }

  async withdraw(reason: string): Promise<void> {
    await call("approval_withdraw", { ...this.#ref, reason });
    // Without its first request a workspace that was never made is none.
    if (app.workspace?.waiting === this.#id) await app.reload();
    else app.requestsChanged(this.#workspace);
  }

  async #try(what: "sign" | "again" | ResponseFrom, failed: string, act: () => Promise<void>): Promise<void> {
    if (this.busy !== null) return;
    this.busy = what;
    this.error = null;
    try {
      await act();
      app.requestsChanged(this.#workspace);
    } catch (thrown) {
      this.error = toIpcError(thrown);
      this.failed = failed;
    } finally {
      this.busy = null;
    }
  }
}
