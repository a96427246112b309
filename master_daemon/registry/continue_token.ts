import { StatusError } from "../../core/api/status.ts";

/** Where the next page of a list begins, and the revision that all pages show. */
export interface ContinueToken {
  readonly revision: number;
  /** `namespace/name` of the last object shown. */
  readonly after: string;
}

/** Longest token that is read. */
const maxLength = 8_192;

/** The token as opaque text that fits into a URL. */
export function encodeContinueToken({ revision, after }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ rv: revision, start: after })).toString("base64url");
}

/** Reads a token. @throws StatusError BadRequest when it is none of ours */
export function decodeContinueToken(text: string): ContinueToken {
  if (text.length > maxLength) throw invalid("too long");
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    throw invalid("not a token of this server");
  }
  const { rv, start } = (typeof value === "object" && value !== null ? value : {}) as { rv?: unknown; start?: unknown };
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv < 1)
    throw invalid(`incorrect encoded start resourceVersion`);
  if (typeof start !== "string" || start === "") throw invalid("incorrect encoded start key");
  return { revision: rv, after: start };
}

function invalid(reason: string): StatusError {
  return StatusError.badRequest(`continue key is not valid: ${reason}`);
}
