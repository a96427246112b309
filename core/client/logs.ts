import type { ObjectKey } from "../api/meta.ts";
import type { CallOptions, Client } from "./client.ts";
import { resourcePath } from "./paths.ts";
import { readStatusError } from "./read_status_error.ts";
import { podResource } from "./resources.ts";

/** Options of {@linkcode logs}. @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod */
export interface LogOptions extends CallOptions {
  /** Needed when the pod has several. */
  readonly container?: string | undefined;
  /** Goes on until the container ends. */
  readonly follow?: boolean | undefined;
  /** Of the container's run before this one. */
  readonly previous?: boolean | undefined;
  readonly sinceSeconds?: number | undefined;
  /** RFC 3339. */
  readonly sinceTime?: string | undefined;
  readonly tailLines?: number | undefined;
  readonly limitBytes?: number | undefined;
  /** The server need not check the certificate of its node. */
  readonly insecureSkipTLSVerifyBackend?: boolean | undefined;
  /** Begins each line with its time. */
  readonly timestamps?: boolean | undefined;
}

const maxErrorBytes = 1024 * 1024;
const maxLineLength = 16 * 1024 * 1024;

/**
 * The bytes that a container wrote, as they arrive. Ends when aborted.
 *
 * @throws StatusError `NotFound` for an unknown pod, `BadRequest` for a container that has no log
 */
export async function* logs(
  client: Client,
  key: ObjectKey,
  options: LogOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const { signal, ...query } = options;
  const { namespace = "default", name } = key;
  const path = resourcePath(podResource, {
    namespace,
    name,
    subresource: "log",
    // False is what the server assumes; saying so would only make the request longer.
    query: Object.fromEntries(Object.entries(query).filter(([, value]) => value !== false)),
  });
  try {
    const response = await client.raw({ method: "GET", path, headers: { accept: "*/*" } }, { signal });
    if (response.status !== 200)
      throw await readStatusError(response, maxErrorBytes, { method: "get", resource: "pods", name });
    if (response.body instanceof Uint8Array) yield response.body;
    else yield* response.body;
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

/** As {@linkcode logs}, line by line, without line feeds. */
export async function* logLines(
  client: Client,
  key: ObjectKey,
  options: LogOptions = {},
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of logs(client, key, options)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > maxLineLength) {
      yield rest;
      rest = "";
    }
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
