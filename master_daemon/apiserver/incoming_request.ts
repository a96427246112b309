import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { ApiRequest } from "../../core/client/transport.ts";
import { fingerprint } from "../../core/platform/certificates.ts";
import type { ClientCertificate, Credentials } from "../authentication/authenticator.ts";

/** A request as it comes from a socket, over HTTP/1.1 or HTTP/2. */
export type IncomingRequest = IncomingMessage | Http2ServerRequest;

/** Two hosts, or none, are understood in more than one way on the way here. HTTP/2 has none twice. */
export function hasOneHost({ httpVersion, rawHeaders }: IncomingRequest): boolean {
  if (httpVersion !== "1.1") return true;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === "host") hosts++;
  return hosts === 1;
}

/** A request as the handler knows it. */
export function toApiRequest(request: IncomingRequest): ApiRequest {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  const sent = request.headers;
  for (const name of Object.keys(sent)) {
    const value = sent[name];
    if (value === undefined || name.startsWith(":")) continue;
    headers[name] = Array.isArray(value) ? value.join(", ") : String(value);
  }
  if (headers["host"] === undefined && "authority" in request) headers["host"] = request.authority;
  return {
    method: request.method as ApiRequest["method"],
    path: request.url ?? "/",
    headers,
    body: request as AsyncIterable<Uint8Array>,
  };
}

/** What a request shows besides its headers as they are joined. */
export function credentialsOf(request: IncomingRequest): Omit<Credentials, "headers"> {
  const { rawHeaders } = request;
  return {
    certificate: certificateOf(request),
    values: (name) => rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name),
  };
}

const certificates = new WeakMap<object, ClientCertificate | null>();

/** The client's certificate, when one of the listener's authorities signed it. Looked up once for each connection. */
function certificateOf(request: IncomingRequest): ClientCertificate | undefined {
  const socket = request.socket as TLSSocket;
  // Over HTTP/2 every request has its own view of the socket.
  const connection = ("stream" in request ? request.stream.session : undefined) ?? socket;
  const known = certificates.get(connection);
  if (known !== undefined) return known ?? undefined;
  const shown = socket.authorized ? socket.getPeerCertificate(true) : undefined;
  const found = shown?.subject && describe(shown);
  certificates.set(connection, found ?? null);
  return found;
}

function describe(shown: DetailedPeerCertificate): ClientCertificate {
  const organizations = (shown.subject.O ?? []) as string | readonly string[];
  const authorities: string[] = [];
  for (let one = shown; one.issuerCertificate && one.issuerCertificate !== one; ) {
    one = one.issuerCertificate;
    authorities.push(fingerprint(one.raw));
  }
  return {
    commonName: String(shown.subject.CN ?? ""),
    organizations: typeof organizations === "string" ? [organizations] : organizations,
    fingerprint: fingerprint(shown.raw),
    authorities,
  };
}
