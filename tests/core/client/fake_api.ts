import type { ResourceType } from "../../../core/api/kind.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import type { Client } from "../../../core/client/client.ts";
import { createClient } from "../../../core/client/create_client.ts";
import { inProcessTransport } from "../../../core/client/in_process_transport.ts";
import { type ApiRequest, type ApiResponse, readBody } from "../../../core/client/transport.ts";
import { AsyncQueue } from "../../../core/util/async_queue.ts";
import type { Clock } from "../../../core/util/clock.ts";

/** A request as a test looks at it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every shape
  readonly body: any;
}

/** An answer: JSON by default. */
export function answer(status: number, body: unknown, headers: Record<string, string> = {}): ApiResponse {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    status,
    headers: { "content-type": typeof body === "string" ? "text/plain" : "application/json", ...headers },
    body: new TextEncoder().encode(text),
  };
}

/** A watch that a test feeds. */
export class FakeWatch {
  readonly #queue = new AsyncQueue<Uint8Array>();
  readonly query: URLSearchParams;
  readonly response: ApiResponse;

  constructor(query: URLSearchParams, signal: AbortSignal) {
    this.query = query;
    signal.addEventListener("abort", () => this.#queue.end(), { once: true });
    this.response = { status: 200, headers: { "content-type": "application/json" }, body: this.#queue };
  }

  send(type: string, object: unknown): void {
    this.#queue.push(new TextEncoder().encode(`${JSON.stringify({ type, object })}\n`));
  }

  /** Ends cleanly, or with an error as a lost connection. */
  end(error?: Error): void {
    if (error) this.#queue.fail(error);
    else this.#queue.end();
  }
}

/** A client of a handler that a test writes, and everything it was asked. */
export function fakeApi(
  handle: (request: SeenRequest, signal: AbortSignal) => ApiResponse | Promise<ApiResponse>,
  { clock }: { readonly clock?: Clock } = {},
): { readonly client: Client; readonly requests: SeenRequest[] } {
  const requests: SeenRequest[] = [];
  const transport = inProcessTransport(
    async (request: ApiRequest, { signal }) => {
      const url = new URL(request.path, "http://api");
      const bytes = await readBody(request.body);
      const seen: SeenRequest = {
        method: request.method,
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: bytes.length > 0 ? JSON.parse(new TextDecoder().decode(bytes)) : undefined,
      };
      requests.push(seen);
      return handle(seen, signal);
    },
    { user: { username: "test", groups: [] } },
  );
  return { client: createClient(transport, clock ? { clock } : {}), requests };
}

/** A list of objects as of a version. */
export function listOf(resourceVersion: number | string, items: readonly KubeObject[], more: object = {}): ApiResponse {
  return answer(200, {
    apiVersion: "v1",
    kind: "List",
    metadata: { resourceVersion: String(resourceVersion), ...more },
    items,
  });
}

/** A ConfigMap in `default` as of a version. */
export function thing(name: string, resourceVersion: number, more: Partial<KubeObject["metadata"]> = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace: "default", name, uid: `uid-${name}`, resourceVersion: String(resourceVersion), ...more },
  };
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Resources to ask for: only their addresses matter here. */
export const configMap: ResourceType = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};
export const node: ResourceType = { group: "", version: "v1", kind: "Node", plural: "nodes", namespaced: false };
export const deployment: ResourceType = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  namespaced: true,
};
