import type { StorageCredentials } from "../../lib/bindings/StorageCredentials";

/** What a person enters to open a bucket. It goes to the engine once and is forgotten here. */
export interface CredentialsForm {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

export type CredentialsField = keyof CredentialsForm;
export type CredentialsErrors = Partial<Record<CredentialsField, string | null>>;

export function noCredentials(): CredentialsForm {
  return { accessKeyId: "", secretAccessKey: "", sessionToken: "" };
}

/** The address names a bucket, which asks who comes. */
export function isBucket(storage: string): boolean {
  return /^s3:\/\//i.test(storage.trim());
}

/** What is entered, or nothing when all fields are empty. */
export function credentialsOf(form: CredentialsForm): StorageCredentials | null {
  const accessKeyId = form.accessKeyId.trim();
  const secretAccessKey = form.secretAccessKey.trim();
  const sessionToken = form.sessionToken.trim();
  if (accessKeyId === "" && secretAccessKey === "" && sessionToken === "") return null;
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken === "" ? null : sessionToken };
}

/** What is missing, by field. `needed`: empty is not an answer. */
export function credentialsErrors(form: CredentialsForm, needed: boolean): CredentialsErrors {
  const given = credentialsOf(form);
  if (given === null && !needed) return {};
  return {
    ...(given?.accessKeyId ? {} : { accessKeyId: "Enter the access key ID." }),
    ...(given?.secretAccessKey ? {} : { secretAccessKey: "Enter the secret access key." }),
  };
}
