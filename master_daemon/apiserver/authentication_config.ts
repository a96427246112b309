import { ignoreReason, isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { configMap } from "../../core/kinds/configmap.ts";

/** Where node daemons and aggregated servers learn which client certificates the API server shows them. */
const authenticationConfig = { namespace: "kube-system", name: "extension-apiserver-authentication" };

/**
 * Publishes the authority of client certificates.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#extension-apiserver-authenticates-the-request
 */
export async function bootstrapClientAuthority(
  client: Client,
  { authority, signal }: { readonly authority: string; readonly signal: AbortSignal },
): Promise<void> {
  const data = { "client-ca-file": authority };
  await client
    .create(configMap, { apiVersion: "v1", kind: "ConfigMap", metadata: authenticationConfig, data }, { signal })
    .catch((error: unknown) => {
      if (!isReason(error, "AlreadyExists")) throw error;
      // What other servers are told of this one stays.
      return client.patch(configMap, authenticationConfig, { type: "merge", body: { data } }, { signal });
    });
}

/**
 * Publishes how servers behind this one know it, and read who asks.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#kubernetes-apiserver-client-authentication
 */
export async function publishFrontProxy(
  client: Client,
  { authority, allowedNames, signal }: FrontProxyFacts & { readonly signal: AbortSignal },
): Promise<void> {
  const data = {
    "requestheader-client-ca-file": authority,
    "requestheader-allowed-names": JSON.stringify(allowedNames),
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
  };
  await client
    .create(configMap, { apiVersion: "v1", kind: "ConfigMap", metadata: authenticationConfig }, { signal })
    .catch(ignoreReason("AlreadyExists"));
  await client.patch(configMap, authenticationConfig, { type: "merge", body: { data } }, { signal });
}

/** What other servers need to know of this one. */
export interface FrontProxyFacts {
  /** PEM of the authority of its certificate. */
  readonly authority: string;
  /** Names that its certificate may have. */
  readonly allowedNames: readonly string[];
}
