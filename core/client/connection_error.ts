/** The network's failure, in one line that says which address and what to try. The original error is the `cause`. */
export class ConnectionError extends Error {
  /** `host:port` of the server. */
  readonly address: string;
  /** The system's or library's code, e.g. `ECONNREFUSED`. */
  readonly code: string;

  constructor(address: string, code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "ConnectionError";
    this.address = address;
    this.code = code;
  }
}

const untrusted = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_SIGNATURE_FAILURE",
]);

/**
 * What `error` means to somebody who wanted to reach `address`.
 *
 * @param address `host:port`
 * @see k8s.io/kubectl/pkg/cmd/util/helpers.go for the wording of a refused connection
 */
export function connectionError(address: string, error: unknown): ConnectionError {
  if (error instanceof ConnectionError) return error;
  const code = codeOf(error);
  return new ConnectionError(address, code, describe(address, code, error), { cause: error });
}

function describe(address: string, code: string, error: unknown): string {
  const host = address.replace(/:\d+$/, "");
  const unable = `Unable to connect to the server ${address}`;
  if (code === "ECONNREFUSED")
    return `The connection to the server ${address} was refused - did you specify the right host or port?`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `${unable}: no such host "${host}" - check the server's address in the kubeconfig, or pass --server`;
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT")
    return `${unable}: nothing answered in time - is the machine up, and the port not blocked?`;
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH")
    return `${unable}: no route to it - is the network up, and the address right?`;
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT")
    return `The server ${address} did not answer in time - try again, or raise --request-timeout`;
  if (untrusted.has(code))
    return `${unable}: certificate signed by unknown authority - is it the server that the kubeconfig's certificate-authority belongs to?`;
  if (code === "CERT_HAS_EXPIRED")
    return `${unable}: its certificate has expired - renew it, and check this machine's clock`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `${unable}: its certificate is not for "${host}" - use a name that it lists, or pass --tls-server-name`;
  if (code === "HPE_INVALID_CONSTANT" || code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "EPROTO")
    return `${unable}: it does not speak what was expected - is the address right in https:// or http://?`;
  if (code === "ECONNRESET" || code === "EPIPE" || code === "UND_ERR_SOCKET")
    return `The connection to the server ${address} was lost - is it still running?`;
  const text = error instanceof Error ? error.message : String(error);
  return `${unable}: ${text.split("\n", 1)[0] || "unknown failure"}`;
}

/** The code of an error; of an AggregateError (several addresses of one name were tried) that of the first. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const { code } = error as Error & { code?: unknown };
  if (typeof code === "string") return code;
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return error.cause === undefined ? "" : codeOf(error.cause);
}
