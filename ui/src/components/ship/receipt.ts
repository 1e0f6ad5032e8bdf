import type { Receipt } from "../../lib/bindings/Receipt";

/** Where the proof was read, as a column head and row label. */
export function readFromLabel(receipt: Pick<Receipt, "readFrom">): string {
  return receipt.readFrom === "public_url" ? "Public URL" : "Storage";
}

/** The receipt as plain text, for a ticket or a chat. Carries every fact that the window shows. */
export function receiptText(receipt: Receipt): string {
  const lines = [
    receipt.headline,
    "",
    `App            ${receipt.app}`,
    `Unit           ${receipt.unit}`,
    `Channel        ${receipt.channel}`,
    `Release        ${receipt.version}, build ${String(receipt.build)}`,
    `Share          ${String(receipt.permille / 10)} %`,
    `Replaces       ${receipt.replaces ?? "nothing"}`,
    `Signed bytes   ${receipt.signedSha256}`,
    `Read back      ${receipt.readBackSha256}`,
    `Manifest       ${receipt.manifest}`,
    `Bundle         ${String(receipt.files)} files, ${String(receipt.size)} bytes`,
    `Uploaded       ${String(receipt.uploadedObjects)} objects, ${String(receipt.uploadedBytes)} bytes`,
    `Skipped        ${String(receipt.skippedObjects)} objects, ${String(receipt.skippedBytes)} bytes`,
    `Committed      ${receipt.committed}`,
    `Read back at   ${receipt.finished} from ${readFromLabel(receipt).toLowerCase()} ${receipt.address}`,
    ...(receipt.visibleAfterMs === null
      ? []
      : [`Visible        ${String(receipt.visibleAfterMs)} ms after the commit`]),
    `Root           pinned ${String(receipt.rootPinned)}, in force ${String(receipt.rootNow)}`,
    `Fresh until    ${receipt.freshUntil}`,
    `Entry          ${receipt.entry}`,
    "",
    ...receipt.metadata.map((role) => {
      const before = role.before === null ? "new" : String(role.before);
      const read = role.readBack ? "read back" : "not read back";
      return `${role.role}  ${before} -> ${String(role.now)}  ${role.signedBy}  ${read}`;
    }),
  ];
  return lines.join("\n");
}
