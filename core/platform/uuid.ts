/** A random UUID (version 4) from the machine's own cryptographic randomness. */
export function randomUuid(): string {
  return crypto.randomUUID();
}

/** A secret of 256 random bits, as text that fits into headers and files. */
export function randomToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
