import type { ConnectTest } from "../lib/bindings/ConnectTest";
import type { RootPreview } from "../lib/bindings/RootPreview";
import { credentialsErrors, isBucket, type CredentialsForm } from "../components/connect/credentials";

/** What the person has entered and what was found so far. */
export interface ConnectForm {
  name: string;
  storage: string;
  publicUrl: string;
  /** Counts only while the address names a bucket. */
  credentials: CredentialsForm;
  root: RootPreview | null;
  compared: boolean;
  test: ConnectTest | null;
}

/** True when every line of the connection test passed. */
export function passed(test: ConnectTest | null): boolean {
  return test !== null && test.checks.length > 0 && test.checks.every((check) => check.ok);
}

/** Why the connection test cannot run yet; nothing when it can. */
export function whyNotTest(form: ConnectForm): string | null {
  if (form.storage.trim() === "") return "Enter the storage address first.";
  const half = halfCredentials(form);
  if (half) return half;
  if (!form.root) return "Choose 1.root.json first.";
  return null;
}

/** Why the workspace cannot be connected yet; nothing when it can. Rust checks the same again. */
export function whyNotConnect(form: ConnectForm): string | null {
  if (form.storage.trim() === "") return "Enter the storage address.";
  const half = halfCredentials(form);
  if (half) return half;
  if (!form.root) return "Choose 1.root.json.";
  if (!form.compared) return "Compare the 12 words with someone who has the root.";
  if (form.name.trim() === "") return "Enter a name.";
  if (!form.test) return "Run the connection test.";
  if (!passed(form.test)) return "The connection test must pass.";
  return null;
}

function halfCredentials(form: ConnectForm): string | null {
  if (!isBucket(form.storage)) return null;
  const errors = credentialsErrors(form.credentials, false);
  if (errors.accessKeyId) return "Enter the access key ID too, or leave all credentials empty.";
  return errors.secretAccessKey ? "Enter the secret access key too, or leave all credentials empty." : null;
}
