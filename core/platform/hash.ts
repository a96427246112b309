import { createHmac, hash } from "node:crypto";

/** SHA-256 as lower-case hex. */
export function sha256(data: string | Uint8Array): string {
  return hash("sha256", data);
}

/** HMAC with SHA-256, in base64url. */
export function hmacSha256(key: string, data: string): string {
  return createHmac("sha256", key).update(data).digest("base64url");
}
