/** Reads an address that a person pasted; nothing when it is none that can be fetched. */
export function webAddress(text: string): URL | null {
  const trimmed = text.trim();
  if (trimmed === "" || /\s/.test(trimmed)) return null;
  const url = parsed(trimmed);
  return url && (url.protocol === "https:" || url.protocol === "http:") && url.hostname !== "" ? url : null;
}

/** Older webviews have no `URL.parse`. */
function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** The address ends in .zip: only then does a paste on the board mean it. */
export function zipAddress(text: string): string | null {
  const url = webAddress(text);
  return url && /\.zip$/i.test(url.pathname) ? text.trim() : null;
}

/** What is wrong with what was entered; nothing when it may be tried. Rust checks the same and more. */
export function addressError(text: string): string | null {
  if (text.trim() === "") return "Enter the address of a zip.";
  const url = webAddress(text);
  if (!url) return "Enter an address that begins with https:// or http://.";
  if (url.username !== "" || url.password !== "") {
    return "The address holds a user name or password. It is signed and readable for everyone, so leave them out.";
  }
  return null;
}
