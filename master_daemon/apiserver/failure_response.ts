import { StatusError } from "../../core/api/status.ts";
import type { ApiRequest, ApiResponse } from "../../core/client/transport.ts";
import type { Logger } from "../../core/util/log.ts";
import { ImpersonationError } from "./filters/impersonation.ts";
import { documentResponse, isReadByPeople, textResponse } from "./respond.ts";

/** A request that failed. */
export interface FailedRequest {
  readonly request: ApiRequest;
  readonly auditId: string;
  /** Aborted: nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Whether an error is a fault of the server's own: whatever is meant for clients is a StatusError. */
export function isUnexpected(error: unknown): boolean {
  return !(error instanceof StatusError || error instanceof ImpersonationError);
}

/** The answer that tells of an error: a Status object. What went wrong inside is told to the log only. */
export function failureResponse(error: unknown, { request, auditId, signal, log }: FailedRequest): ApiResponse {
  if (error instanceof ImpersonationError)
    return textResponse(`Internal Server Error: ${JSON.stringify(request.path)}: ${error.message}\n`, 500);
  if (isUnexpected(error) && !signal.aborted)
    log.error("Cannot serve a request", {
      method: request.method,
      path: request.path.split("?", 1)[0]?.slice(0, 200),
      auditId,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  const { status } =
    error instanceof StatusError ? error : StatusError.internal(`see the server's log for audit ID ${auditId}`);
  const form = { representation: { format: "json" } as const, pretty: isReadByPeople(request) };
  const response = documentResponse(status, status.code, form);
  const retryAfter = status.details?.retryAfterSeconds;
  if (retryAfter === undefined) return response;
  return { ...response, headers: { ...response.headers, "retry-after": String(retryAfter) } };
}

/** The error that an answer of {@linkcode failureResponse} tells of. */
export function statusErrorOf({ body, status }: ApiResponse): StatusError {
  const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : "";
  try {
    return StatusError.from(JSON.parse(text));
  } catch {
    return new StatusError(status, "Unknown", text);
  }
}
