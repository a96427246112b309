import type { ResourceType } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";

/** Asks for a token of a service account. */
interface TokenRequest extends KubeObject {
  readonly spec: {
    readonly audiences?: readonly string[];
    readonly expirationSeconds?: number;
    readonly boundObjectRef?: object;
  };
  readonly status?: { readonly token: string; readonly expirationTimestamp: string };
}

const accounts: ResourceType<TokenRequest> = {
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  namespaced: true,
};

/** What a pod wants a token for, and for how long. */
export interface WantedToken {
  readonly audience?: string | undefined;
  readonly expirationSeconds?: number | undefined;
}

/** Options of {@linkcode TokenCache}. */
export interface TokenCacheOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** A token of this pod is to be written anew. */
  onChange(podUid: string): void;
}

interface Entry {
  readonly token: Promise<string>;
  cancel(): void;
}

/** A token is fetched anew after this part of its life, and after a day at the latest. */
const usedPart = 0.8;
const maxUseMs = 24 * 3_600_000;

/**
 * Tokens of the service accounts of this node's pods, bound to the pod: worthless once it is gone.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/token/token_manager.go
 */
export class TokenCache implements Disposable {
  readonly #options: TokenCacheOptions;
  /** By pod uid and what is wanted. */
  readonly #entries = new Map<string, Map<string, Entry>>();

  constructor(options: TokenCacheOptions) {
    this.#options = options;
  }

  /** A token that is good for a while yet. @throws StatusError when the API refuses it */
  token(pod: Pod, { audience, expirationSeconds }: WantedToken): Promise<string> {
    const podUid = pod.metadata.uid ?? "";
    const entries = this.#entries.get(podUid) ?? new Map<string, Entry>();
    this.#entries.set(podUid, entries);
    const key = JSON.stringify([audience, expirationSeconds]);
    const known = entries.get(key);
    if (known) return known.token;
    let cancel = () => {};
    const forget = () => {
      cancel();
      entries.delete(key);
    };
    const token = this.#request(pod, { audience, expirationSeconds }).then(({ text, useMs }) => {
      cancel = this.#options.clock.schedule(useMs, () => {
        forget();
        this.#options.onChange(podUid);
      });
      // The pod may be gone by now.
      if (entries.get(key)?.token !== token) cancel();
      return text;
    });
    entries.set(key, { token, cancel: () => cancel() });
    // What failed is tried again when it is asked for again.
    token.catch(forget);
    return token;
  }

  async #request(
    { metadata, spec }: Pod,
    { audience, expirationSeconds }: WantedToken,
  ): Promise<{ readonly text: string; readonly useMs: number }> {
    const { client, clock } = this.#options;
    const { namespace = "default", name = "", uid = "" } = metadata;
    const request: TokenRequest = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: { namespace, name: spec.serviceAccountName ?? "default" },
      spec: {
        ...(audience ? { audiences: [audience] } : {}),
        ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    };
    const { status } = await client.create(accounts, request, { subresource: "token" });
    if (!status) throw new Error(`failed to fetch token: no token in the answer`);
    const lifeMs = Date.parse(status.expirationTimestamp) - clock.now();
    return { text: status.token, useMs: Math.max(1000, Math.min(lifeMs * usedPart, maxUseMs)) };
  }

  /** The pod is gone. */
  release(podUid: string): void {
    for (const { cancel } of this.#entries.get(podUid)?.values() ?? []) cancel();
    this.#entries.delete(podUid);
  }

  [Symbol.dispose](): void {
    for (const podUid of [...this.#entries.keys()]) this.release(podUid);
  }
}
