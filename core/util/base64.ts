/** Base64 of bytes, with padding. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  // In steps, because a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

/** The bytes of a base64 text, with or without padding. @throws SyntaxError when it is none */
export function base64ToBytes(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw new SyntaxError("Invalid base64", { cause });
  }
}
