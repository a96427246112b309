import { chmod, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import { ensureFolder } from "../volumes/files.ts";
import { readStaticPods } from "./static_pod.ts";

/** Options of {@linkcode startPodEndpoint}. */
export interface PodEndpointOptions {
  /** Path of the UNIX socket to listen on; only its owner may connect. */
  readonly socket: string;
  /** Folder in which accepted manifests are kept. A file source reads them. */
  readonly folder: string;
  readonly nodeName: string;
  readonly log: Logger;
}

const maxBytes = 3 * 1024 * 1024;
const nameOf = /^\/pods\/([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)$/;

/**
 * Serves a node's own endpoint for pods, HTTP on a UNIX socket:
 *
 * - `PUT /pods/NAME` with a manifest of one pod: it runs from now on, also after a restart;
 * - `DELETE /pods/NAME`: it ends;
 * - `GET /pods`: the names.
 *
 * A socket of the file system, not a port: whoever can open it is its owner or root, and no web page can.
 */
export async function startPodEndpoint(options: PodEndpointOptions): Promise<AsyncDisposable> {
  const { socket, folder, log } = options;
  await ensureFolder(folder, 0o700);
  // Left behind by a daemon that was killed: the folder's lock says that none is there.
  await rm(socket, { force: true });
  const server = createServer((request, response) => {
    answer(request, options).then(
      ([status, text]) => send(response, status, text),
      (error: unknown) => {
        log.warn("A request for a pod failed", { error: errorMessage(error) });
        send(response, 500, errorMessage(error));
      },
    );
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, resolve);
  });
  await chmod(socket, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  { folder, nodeName }: PodEndpointOptions,
): Promise<readonly [status: number, text: string]> {
  const { method, url = "" } = request;
  if (url === "/pods" && method === "GET") {
    const names = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
    return [200, names.map((name) => `${name.slice(0, -".yaml".length)}\n`).join("")];
  }
  const name = nameOf.exec(url)?.[1];
  if (name === undefined) return [404, "not found: use /pods or /pods/NAME\n"];
  const path = join(folder, `${name}.yaml`);
  if (method === "DELETE") {
    await rm(path, { force: true });
    return [200, `pod ${name} deleted\n`];
  }
  if (method !== "PUT") return [405, "use PUT or DELETE\n"];
  const text = await readBody(request);
  if (text === undefined) return [413, `a manifest has at most ${maxBytes} bytes\n`];
  try {
    const pods = readStaticPods(text, { source: "server", from: path, nodeName });
    if (pods.length !== 1 || pods[0]?.metadata.name !== `${name}-${nodeName.toLowerCase()}`)
      return [422, `the manifest must be of one pod, of the name ${name}\n`];
  } catch (error) {
    return [422, `${errorMessage(error)}\n`];
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${name}.new`);
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
  return [200, `pod ${name} accepted\n`];
}

/** The body as text; undefined when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read to its end all the same, so that the sender hears the answer.
    if (size <= maxBytes) chunks.push(chunk);
  }
  return size > maxBytes ? undefined : Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
}
