import { isReason, type Status, StatusError, type StatusReason } from "../../../core/api/status.ts";
import { errorMessage } from "../../../core/util/log.ts";

/** A webhook that could not be asked. Whether the request goes on is its failurePolicy's to say. */
export class WebhookFailure extends Error {
  constructor(name: string, reason: string) {
    super(`failed calling webhook ${JSON.stringify(name)}: ${reason}`);
  }
}

/** The refusal of a webhook. @see k8s.io/apiserver/pkg/admission/plugin/webhook/errors ToStatusErr */
export function denial(name: string, result: Partial<Status> = {}): StatusError {
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const why = result.message ? `: ${result.message}` : result.reason ? `: ${result.reason}` : " without explanation";
  const code = typeof result.code === "number" && result.code >= 400 && result.code < 600 ? result.code : 400;
  // A webhook that gives no reason has none: it is not an unknown one.
  return new StatusError(code, result.reason ?? ("" as StatusReason), `${denied}${why}`, result.details);
}

const untrusted = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);

/** Why a POST failed, in the words of Go's client. */
export function networkReason(url: string, error: unknown): string {
  if (isReason(error, "NotFound"))
    return `Post ${JSON.stringify(url)}: service ${JSON.stringify(error.status.details?.name ?? "")} not found`;
  return `Post ${JSON.stringify(url)}: ${goWords(url, error)}`;
}

function goWords(url: string, error: unknown): string {
  const { host, hostname } = new URL(url);
  const address = host === hostname ? `${host}:443` : host;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ECONNREFUSED") return `dial tcp ${address}: connect: connection refused`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `dial tcp: lookup ${hostname}: no such host`;
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") return `dial tcp ${address}: i/o timeout`;
  if (code === "EHOSTUNREACH") return `dial tcp ${address}: connect: no route to host`;
  if (code === "ECONNRESET" || code === "UND_ERR_SOCKET" || code === "EPIPE") return "EOF";
  if (untrusted.has(code)) return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  if (code === "CERT_HAS_EXPIRED")
    return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `tls: failed to verify certificate: x509: certificate is not valid for ${hostname}`;
  return errorMessage(error);
}
