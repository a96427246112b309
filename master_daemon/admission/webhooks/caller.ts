import { StatusError } from "../../../core/api/status.ts";
import type { ValidatingWebhook, WebhookClientConfig } from "../../../core/kinds/webhook.ts";
import { type Connection, HttpsClient, type HttpsServer } from "../../../core/platform/https_client.ts";
import { randomUuid } from "../../../core/platform/uuid.ts";
import type { Clock } from "../../../core/util/clock.ts";
import type { AdmissionRequest } from "../plugin.ts";
import { networkReason, WebhookFailure } from "./failure.ts";
import { readVerdict, reviewBytes, type Shown, UndecodablePatch, type Verdict } from "./review.ts";

/** Opens a connection to a port of a service. @throws StatusError ServiceUnavailable when nothing is behind it */
export type DialService = (service: {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}) => Promise<Connection>;

/** Longest answer that is read: the object once more as a patch in base64, and some. */
const maxAnswerBytes = 8 * 1024 * 1024;
const defaultTimeoutSeconds = 10;

/** Asks webhooks. Connections to them are kept. */
export class WebhookCaller implements AsyncDisposable {
  readonly #client = new HttpsClient();
  readonly #clock: Clock;
  readonly #dialService: DialService;

  constructor({ clock, dialService }: { readonly clock: Clock; readonly dialService: DialService }) {
    this.#clock = clock;
    this.#dialService = dialService;
  }

  /**
   * @throws WebhookFailure when it cannot be asked, or its answer is none
   */
  async call(
    webhook: ValidatingWebhook,
    request: AdmissionRequest,
    shown: Shown,
    options: { readonly mutating: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<Verdict> {
    const { name, timeoutSeconds = defaultTimeoutSeconds, admissionReviewVersions = ["v1"] } = webhook;
    const version = admissionReviewVersions.find((one) => one === "v1" || one === "v1beta1");
    if (version !== "v1" && version !== "v1beta1")
      throw new WebhookFailure(
        name,
        "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)",
      );
    const review = { uid: randomUuid(), version } as const;
    const body = reviewBytes(request, shown, review);
    const answer = await this.post(webhook.clientConfig, { body, timeoutSeconds, maxBytes: maxAnswerBytes }).catch(
      (error: unknown) => {
        throw new WebhookFailure(
          name,
          `failed to call webhook: ${error instanceof Error ? error.message : String(error)}`,
        );
      },
    );
    try {
      return readVerdict(answer, review, options.mutating);
    } catch (error) {
      if (error instanceof UndecodablePatch)
        throw new WebhookFailure(name, `received undecodable patch in webhook response: ${error.message}`);
      if (error instanceof RangeError)
        throw new WebhookFailure(name, `received invalid webhook response: ${error.message}`);
      if (error instanceof StatusError)
        throw new WebhookFailure(name, `failed to call webhook: couldn't get version/kind; ${error.message}`);
      throw error;
    }
  }

  /**
   * Sends a review of any kind, and gives the body of the answer.
   *
   * @throws Error why it could not be sent, or was not answered with 200, in the words of Go's client
   */
  async post(
    clientConfig: WebhookClientConfig,
    {
      body,
      timeoutSeconds,
      maxBytes,
    }: { readonly body: Uint8Array; readonly timeoutSeconds: number; readonly maxBytes: number },
  ): Promise<Uint8Array> {
    const { server, path, host, key } = this.#serverOf(clientConfig);
    const withTimeout = `${path}${path.includes("?") ? "&" : "?"}timeout=${timeoutSeconds}s`;
    const url = `${server.origin}${withTimeout}`;
    const timeout = new AbortController();
    const cancel = this.#clock.schedule(timeoutSeconds * 1000, () =>
      timeout.abort(new Error("context deadline exceeded")),
    );
    try {
      const answer = await this.#client.post(key, server, {
        path: withTimeout,
        headers: {
          "content-type": "application/json",
          accept: "application/json, */*",
          "user-agent": "kube-apiserver-admission",
          host,
        },
        body,
        signal: timeout.signal,
        maxBytes,
      });
      if (answer.status !== 200) throw new Error(statusReason(answer.status, answer.body));
      return answer.body;
    } catch (error) {
      if (timeout.signal.aborted) throw new Error(`Post ${JSON.stringify(url)}: context deadline exceeded`);
      if (error instanceof Error && error.name === "Error" && !("code" in error)) throw error;
      throw new Error(networkReason(url, error));
    } finally {
      cancel();
    }
  }

  #serverOf({ url, service, caBundle }: WebhookClientConfig): {
    readonly server: HttpsServer;
    readonly path: string;
    readonly host: string;
    readonly key: string;
  } {
    const authorities = caBundle ? atob(caBundle) : undefined;
    if (service) {
      const { namespace, name, path = "/", port = 443 } = service;
      const serverName = `${name}.${namespace}.svc`;
      const server = {
        origin: `https://${serverName}:${port}`,
        authorities,
        serverName,
        dial: () => this.#dialService({ namespace, name, port }),
      };
      return { server, path, host: `${serverName}:${port}`, key: JSON.stringify([namespace, name, port, caBundle]) };
    }
    const { origin, host, pathname, search } = new URL(url ?? "");
    return {
      server: { origin, authorities },
      path: `${pathname}${search}`,
      host,
      key: JSON.stringify([origin, caBundle]),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }
}

/** A status that is none of success, in the words of Kubernetes' client. */
function statusReason(status: number, body: Uint8Array): string {
  if (status === 404) return "the server could not find the requested resource";
  if (status === 401) return "the server has asked for the client to provide credentials";
  if (status === 403) return "forbidden: unknown";
  const text = new TextDecoder().decode(body.subarray(0, 1024)).trim();
  if (status >= 500)
    return `an error on the server (${JSON.stringify(text || "unknown")}) has prevented the request from succeeding`;
  return `the server rejected our request for an unknown reason`;
}
