import { type Status, StatusError, type StatusReason } from "../api/status.ts";
import { type ApiResponse, readBody } from "./transport.ts";

/** What was asked, for the message when the server gave none. */
export interface RequestSubject {
  /** HTTP method. */
  readonly method: string;
  /** `plural` or `plural.group`. */
  readonly resource: string;
  readonly name?: string | undefined;
}

/** The one place where a failed answer becomes an error: its Status, or what its code means when it carries none. */
export async function readStatusError(
  response: ApiResponse,
  limitBytes: number,
  subject?: RequestSubject,
): Promise<StatusError> {
  const text = new TextDecoder().decode(await readBody(response.body, limitBytes));
  const status = parseStatus(text);
  const retryAfter = Number.parseInt(headerText(response, "retry-after"), 10);
  if (!status) return genericError(response.status, text, retryAfter, subject);
  const details =
    Number.isNaN(retryAfter) || status.details?.retryAfterSeconds !== undefined
      ? status.details
      : { ...status.details, retryAfterSeconds: retryAfter };
  return StatusError.from({ ...status, ...(details ? { details } : {}), code: status.code ?? response.status });
}

/** A header as one text; `""` when absent. */
export function headerText(response: Pick<ApiResponse, "headers">, name: string): string {
  const value = response.headers[name];
  if (value === undefined) return "";
  return typeof value === "string" ? value : value.join(", ");
}

function parseStatus(text: string): Status | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return (value as { kind?: unknown }).kind === "Status" ? (value as Status) : undefined;
  } catch {
    // A body that only looks like JSON is quoted like any other.
    return undefined;
  }
}

const meanings: Readonly<Record<number, readonly [StatusReason, string]>> = {
  400: ["BadRequest", "the server rejected our request for an unknown reason"],
  401: ["Unauthorized", "the server has asked for the client to provide credentials"],
  403: ["Forbidden", "the server does not allow access to the requested resource"],
  404: ["NotFound", "the server could not find the requested resource"],
  405: ["MethodNotAllowed", "the server does not allow this method on the requested resource"],
  406: ["NotAcceptable", "the server was unable to respond with a content type that the client supports"],
  409: ["Conflict", "the server reported a conflict"],
  410: ["Gone", "the resource has been removed or is no longer available"],
  413: ["RequestEntityTooLarge", "the server rejected our request as too large"],
  415: ["UnsupportedMediaType", "the server did not accept the content type of our request"],
  422: ["Invalid", "the server rejected our request due to an error in our request"],
  429: ["TooManyRequests", "the server has received too many requests and has asked us to try again later"],
  503: ["ServiceUnavailable", "the server is currently unable to handle the request"],
  504: [
    "Timeout",
    "the server was unable to return a response in the time allotted, but may still be processing the request",
  ],
};

/** @see k8s.io/apimachinery/pkg/api/errors/errors.go NewGenericServerResponse */
function genericError(
  code: number,
  text: string,
  retryAfterSeconds: number,
  subject: RequestSubject | undefined,
): StatusError {
  const [reason, meaning] = meanings[code] ?? [
    code >= 500 ? "InternalError" : "Unknown",
    code >= 500
      ? `an error on the server (${JSON.stringify(excerpt(text))}) has prevented the request from succeeding`
      : `the server responded with the status code ${code} but did not return more information`,
  ];
  const about = subject
    ? ` (${[subject.method.toLowerCase(), subject.resource, subject.name].filter(Boolean).join(" ")})`
    : "";
  return new StatusError(code, reason, `${meaning}${about}`, {
    causes: [{ reason: "UnexpectedServerResponse", message: excerpt(text) }],
    ...(Number.isNaN(retryAfterSeconds) ? {} : { retryAfterSeconds }),
  });
}

function excerpt(text: string): string {
  return text.trim().slice(0, 2048) || "unknown";
}
