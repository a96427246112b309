import { request as httpRequest, type IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { type Status, StatusError } from "../../core/api/status.ts";
import { type ApiResponse, readBody } from "../../core/client/transport.ts";
import type { Node } from "../../core/kinds/node.ts";
import { servingCertificateAnnotation } from "../../core/kinds/node_server.ts";
import { type CertificateAndKey, fingerprint } from "../../core/platform/certificates.ts";

/** How the API server reaches node daemons, for logs, exec, attach and port-forward. */
export interface NodeConnector {
  /** A GET. The answer is returned whatever its status. */
  request(node: Node, path: string, options: { readonly signal: AbortSignal }): Promise<ApiResponse>;
  /** A GET that upgrades the connection to `protocol`. @throws StatusError when the node refuses */
  upgrade(node: Node, path: string, protocol: string, options: { readonly signal: AbortSignal }): Promise<Duplex>;
}

/** Where no node daemon is: link-local, unspecified, multicast and broadcast addresses. */
const forbiddenAddresses = new BlockList();
forbiddenAddresses.addSubnet("169.254.0.0", 16, "ipv4");
forbiddenAddresses.addSubnet("0.0.0.0", 8, "ipv4");
forbiddenAddresses.addSubnet("224.0.0.0", 3, "ipv4");
forbiddenAddresses.addSubnet("fe80::", 10, "ipv6");
forbiddenAddresses.addSubnet("ff00::", 8, "ipv6");
forbiddenAddresses.addAddress("::", "ipv6");

const connectTimeoutMs = 10_000;
const maxErrorBytes = 64 * 1024;

/**
 * Reaches node daemons over TLS at their InternalIP, as the client that they know, and only when they show the
 * certificate that their Node object names.
 */
export function tlsNodeConnector(options: { readonly client: CertificateAndKey }): NodeConnector {
  return {
    async request(node, path, { signal }) {
      const { response } = await send(node, path, {}, { ...options, signal });
      return { status: response.statusCode ?? 500, headers: headersOf(response), body: response };
    },
    async upgrade(node, path, protocol, { signal }) {
      const headers = { connection: "Upgrade", upgrade: protocol };
      const { response, socket } = await send(node, path, headers, { ...options, signal });
      if (socket) return socket;
      throw await refusal(response);
    },
  };
}

async function send(
  node: Node,
  path: string,
  headers: Readonly<Record<string, string>>,
  { client, signal }: { readonly client: CertificateAndKey; readonly signal: AbortSignal },
): Promise<{ readonly response: IncomingMessage; readonly socket?: Duplex }> {
  signal.throwIfAborted();
  const { host, port } = addressOf(node);
  const connection = await connectPinned(node, { host, port, client, signal });
  const onAbort = () => connection.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  connection.once("close", () => signal.removeEventListener("abort", onAbort));
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      method: "GET",
      path,
      headers: { host: `${host}:${port}`, ...headers },
      createConnection: () => connection,
    });
    request.on("error", (error) => reject(unreachable(host, port, error)));
    request.on("response", (response) => resolve({ response }));
    request.on("upgrade", (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      socket.on("error", () => {});
      resolve({ response, socket });
    });
    request.end();
  });
}

/** A TLS connection to the node whose certificate is the expected one, checked before a byte is sent. */
function connectPinned(
  node: Node,
  options: {
    readonly host: string;
    readonly port: number;
    readonly client: CertificateAndKey;
    readonly signal: AbortSignal;
  },
): Promise<TLSSocket> {
  const { host, port, client } = options;
  const expected = node.metadata.annotations?.[servingCertificateAnnotation]?.replaceAll(":", "").toLowerCase();
  if (!expected)
    throw StatusError.internal(
      `node ${node.metadata.name ?? ""} cannot be trusted: it lacks the annotation ${servingCertificateAnnotation}`,
    );
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      cert: client.certificate,
      key: client.key,
      // The certificate vouches for itself: its fingerprint is what is checked.
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const onAbort = () => fail(options.signal.reason as Error);
    options.signal.addEventListener("abort", onAbort, { once: true });
    socket.setTimeout(connectTimeoutMs, () => fail(unreachable(host, port, new Error("i/o timeout"))));
    socket.once("error", (error) => fail(unreachable(host, port, error)));
    socket.once("secureConnect", () => {
      options.signal.removeEventListener("abort", onAbort);
      socket.setTimeout(0);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 15_000);
      const { raw } = socket.getPeerCertificate();
      if (raw && fingerprint(raw) === expected) return resolve(socket);
      fail(
        StatusError.internal(`node ${node.metadata.name ?? ""} shows another certificate than its Node object names`),
      );
    });
  });
}

function addressOf(node: Node): { readonly host: string; readonly port: number } {
  const host = node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (!host || !port || port > 65_535)
    throw StatusError.internal(`node ${node.metadata.name ?? ""} has no InternalIP and daemon port in its status`);
  // Not even a connection: a name could mean anything, and 169.254.169.254 tells clouds' secrets.
  if (isIP(host) === 0 || forbiddenAddresses.check(host, isIP(host) === 6 ? "ipv6" : "ipv4"))
    throw StatusError.badRequest(`address not allowed: the InternalIP of node ${node.metadata.name ?? ""}`);
  return { host, port };
}

function unreachable(host: string, port: number, error: Error): StatusError {
  return StatusError.internal(`error dialing backend: dial tcp ${host}:${port}: ${error.message}`);
}

async function refusal(response: IncomingMessage): Promise<StatusError> {
  const bytes = await readBody(response, maxErrorBytes).catch(() => new Uint8Array());
  const text = new TextDecoder().decode(bytes);
  try {
    const status = JSON.parse(text) as Partial<Status>;
    if (status.kind === "Status" && typeof status.code === "number") return StatusError.from(status as Status);
  } catch {
    // Not a Status: its text is told below.
  }
  return StatusError.internal(text.trim() || `the node answered ${response.statusCode}`);
}

function headersOf(response: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );
}
