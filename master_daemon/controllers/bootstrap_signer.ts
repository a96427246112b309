import { bootstrapTokenNamespace, bootstrapTokenOf, holdsBootstrapToken } from "../../core/kinds/bootstrap_tokens.ts";
import { type ConfigMap, configMap, type Secret, secret } from "../../core/kinds/mod.ts";
import { hmacSha256 } from "../../core/platform/hash.ts";
import { toBase64 } from "../../core/util/base64.ts";
import { type Controller, watching } from "./controller.ts";

const clusterInfo = { namespace: "kube-public", name: "cluster-info" };
const signaturePrefix = "jws-kubeconfig-";

/**
 * Signs the ConfigMap `cluster-info`, which anybody may read, with each token that is for it: who has a token knows
 * by that which cluster it is about to join.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#configmap-signing
 */
export const bootstrapSignerController: Controller = {
  name: "bootstrap-signer-controller",
  account: "bootstrap-signer",
  watches: [
    watching<ConfigMap>({
      kind: configMap,
      keys: ({ metadata: { namespace, name } }) =>
        namespace === clusterInfo.namespace && name === clusterInfo.name ? [clusterInfo] : [],
    }),
    watching<Secret>({ kind: secret, keys: (held) => (holdsBootstrapToken(held) ? [clusterInfo] : []) }),
  ],
  async reconcile(key, { client, clock, lister, signal }) {
    const map = lister(configMap).get(key);
    if (!map || map.metadata.deletionTimestamp) return undefined;
    const data = planSignatures(map, lister(secret).list(bootstrapTokenNamespace), clock.now());
    if (data) await client.update(configMap, { ...map, data }, { signal });
    return undefined;
  },
};

/**
 * What the ConfigMap should say, signed with all tokens and with no other; undefined where it says so, or has nothing to
 * be signed. Pure.
 */
export function planSignatures(
  { data = {} }: ConfigMap,
  secrets: readonly Secret[],
  nowMs: number,
): ConfigMap["data"] | undefined {
  const { kubeconfig } = data;
  if (kubeconfig === undefined) return undefined;
  const signed: Record<string, string> = {};
  for (const [name, value] of Object.entries(data)) if (!name.startsWith(signaturePrefix)) signed[name] = value;
  for (const held of secrets) {
    const token = bootstrapTokenOf(held, { usage: "signing", nowMs });
    if (token) signed[`${signaturePrefix}${token.id}`] = detachedSignature(kubeconfig, token);
  }
  const names = Object.keys(signed);
  const isSame = names.length === Object.keys(data).length && names.every((name) => data[name] === signed[name]);
  return isSame ? undefined : signed;
}

/** A JSON web signature without what is signed. @see https://www.rfc-editor.org/rfc/rfc7515#appendix-F */
export function detachedSignature(
  content: string,
  { id, secret: key }: { readonly id: string; readonly secret: string },
): string {
  const header = base64url(JSON.stringify({ alg: "HS256", kid: id }));
  return `${header}..${hmacSha256(key, `${header}.${base64url(content)}`)}`;
}

function base64url(text: string): string {
  return toBase64(new TextEncoder().encode(text)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
