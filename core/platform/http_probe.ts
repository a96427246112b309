import http from "node:http";
import https from "node:https";

/** One GET on behalf of a probe or a life-cycle hook. */
export interface HttpProbeRequest {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  /** Path with its query; a missing leading slash is added. */
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

/** What the server said. */
export interface HttpProbeResponse {
  readonly status: number;
  /** At most the first 10 KiB. */
  readonly body: string;
  /** It is a redirect to another host, which is not followed. */
  readonly redirectedAway?: boolean;
}

const maxBodyBytes = 10 * 1024;
const maxRedirects = 10;

/**
 * Asks a server as Kubernetes' prober does: TLS certificates are not verified, the connection is not kept, redirects are
 * followed on the same host only.
 *
 * @throws the network's error, or `signal.reason`
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
 */
export async function httpProbe(request: HttpProbeRequest): Promise<HttpProbeResponse> {
  let url = probeUrl(request);
  for (let hops = 0; ; hops++) {
    const { location, ...response } = await get(url, request);
    if (location === undefined || response.status < 301 || response.status > 308) return response;
    const next = resolveUrl(location, url);
    if (!next) return response;
    if (next.hostname !== url.hostname) return { ...response, redirectedAway: true };
    if (hops === maxRedirects) throw new Error(`stopped after ${maxRedirects} redirects`);
    url = next;
  }
}

/** The URL of a request, for messages. */
export function probeUrl({
  scheme,
  host,
  port,
  path,
}: Pick<HttpProbeRequest, "scheme" | "host" | "port" | "path">): URL {
  const address = host.includes(":") ? `[${host}]` : host;
  return new URL(`${scheme}://${address}:${port}${path.startsWith("/") ? path : `/${path}`}`);
}

function resolveUrl(location: string, base: URL): URL | undefined {
  try {
    const url = new URL(location, base);
    return url.protocol === "http:" || url.protocol === "https:" ? url : undefined;
  } catch {
    return undefined; // A broken Location is an answer like any other.
  }
}

function get(
  url: URL,
  { headers, userAgent, signal }: HttpProbeRequest,
): Promise<HttpProbeResponse & { location?: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      method: "GET",
      agent: false as const,
      rejectUnauthorized: false,
      signal,
      headers: headerLines(headers, userAgent),
    };
    const outgoing = url.protocol === "https:" ? https.request(url, options) : http.request(url, options);
    outgoing.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = () => {
        const { location } = incoming.headers;
        const body = Buffer.concat(chunks).subarray(0, maxBodyBytes).toString("utf8");
        resolve({ status: incoming.statusCode ?? 0, body, ...(location === undefined ? {} : { location }) });
        outgoing.destroy();
      };
      incoming.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= maxBodyBytes) finish();
      });
      incoming.on("end", finish);
      incoming.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    });
    outgoing.end();
  });
}

/** Later headers of the same name are sent too, as Kubernetes does. An empty User-Agent or Accept asks for none. */
function headerLines(headers: HttpProbeRequest["headers"], userAgent: string): Record<string, string | string[]> {
  const lines = new Map<string, string[]>();
  for (const { name, value } of headers)
    lines.set(name.toLowerCase(), [...(lines.get(name.toLowerCase()) ?? []), value]);
  if (!lines.has("user-agent")) lines.set("user-agent", [userAgent]);
  if (!lines.has("accept")) lines.set("accept", ["*/*"]);
  for (const name of ["user-agent", "accept"]) if (lines.get(name)?.[0] === "") lines.delete(name);
  lines.set("connection", ["close"]);
  return Object.fromEntries(
    [...lines].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : values]),
  );
}
