import { isJsonObject } from "../api/json_object.ts";
import type { JsonObject } from "../api/meta.ts";
import { StatusError } from "../api/status.ts";
import type { Random } from "../platform/random.ts";
import type { Clock } from "../util/clock.ts";
import { linkSignals } from "../util/link_signals.ts";
import { ConnectionError } from "./connection_error.ts";
import { httpTransport } from "./http_transport.ts";
import { loadKubeconfig } from "./load_kubeconfig.ts";
import { readStatusError } from "./read_status_error.ts";
import { resolveContext } from "./resolve_context.ts";
import { readBody, type Transport } from "./transport.ts";

/** A server outside the cluster that is asked by sending it JSON. */
export interface KubeconfigWebhook extends AsyncDisposable {
  /**
   * Sends an object, again after a while when the server is only for the moment of no use.
   *
   * @returns the object that it answers; undefined when it answers with nothing
   * @throws StatusError, ConnectionError, or Error for an answer that is none
   */
  post(body: JsonObject | Uint8Array, options?: { readonly signal?: AbortSignal }): Promise<JsonObject | undefined>;
}

/** Options of {@linkcode openKubeconfigWebhook}. */
export interface KubeconfigWebhookOptions {
  /** A kubeconfig file: its current context's cluster is the server, with the whole path that is asked, its user this one. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds for one try. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds before the second try; each further one waits half as long again. Default 500. */
  readonly initialBackoffMs?: number | undefined;
  /** Default 5. */
  readonly tries?: number | undefined;
}

const backoffFactor = 1.5;
const jitter = 0.2;
const maxAnswerBytes = 1024 * 1024;

/**
 * Opens a webhook that a kubeconfig file describes.
 *
 * @throws KubeconfigError when the file cannot be used
 * @see k8s.io/apiserver/pkg/util/webhook/webhook.go
 */
export async function openKubeconfigWebhook(options: KubeconfigWebhookOptions): Promise<KubeconfigWebhook> {
  const { path, clock, random, timeoutMs = 30_000, initialBackoffMs = 500, tries = 5 } = options;
  const { server, transport: how } = await resolveContext(await loadKubeconfig({ path }));
  const url = new URL(server.includes("://") ? server : `https://${server}`);
  const transport = httpTransport({ ...how, server: url.origin, userAgent: "kube-apiserver" });
  url.searchParams.set("timeout", `${timeoutMs / 1000}s`);
  const address = `${url.pathname}${url.search}`;
  return {
    async post(body, { signal = new AbortController().signal } = {}) {
      const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body));
      for (let tried = 1, waitMs = initialBackoffMs; ; tried++, waitMs *= backoffFactor) {
        try {
          return await postOnce(transport, { address, bytes, timeoutMs, clock, signal });
        } catch (error) {
          if (tried >= tries || signal.aborted || !isTransient(error)) throw error;
          await clock.sleep(waitMs * (1 + random() * jitter), { signal });
        }
      }
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

async function postOnce(
  transport: Transport,
  {
    address,
    bytes,
    timeoutMs,
    clock,
    signal,
  }: {
    readonly address: string;
    readonly bytes: Uint8Array;
    readonly timeoutMs: number;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<JsonObject | undefined> {
  const late = new AbortController();
  const linked = linkSignals(signal, late.signal);
  const cancel = clock.schedule(timeoutMs, () => late.abort(new Error("context deadline exceeded")));
  try {
    const response = await transport.request(
      {
        method: "POST",
        path: address,
        headers: { "content-type": "application/json", accept: "application/json, */*" },
        body: bytes,
      },
      { signal: linked.signal },
    );
    if (response.status < 200 || response.status > 299) throw await readStatusError(response, maxAnswerBytes);
    const text = new TextDecoder().decode(await readBody(response.body, maxAnswerBytes));
    if (text.trim() === "") return undefined;
    const answer: unknown = JSON.parse(text);
    if (!isJsonObject(answer)) throw new TypeError("The answer of the webhook is no object");
    return answer;
  } finally {
    cancel();
    linked.release();
  }
}

/** Whether the server said, or it looks as if, another try may go better. */
function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionError) return ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(error.code);
  if (!(error instanceof StatusError)) return false;
  const { code = 0, details } = error.status;
  return code === 500 || code === 504 || code === 429 || details?.retryAfterSeconds !== undefined;
}
