import { controllerOf, type KubeObject } from "../../core/api/meta.ts";
import { type Secret, type ServiceAccount, secret, serviceAccount } from "../../core/kinds/mod.ts";
import { toBase64 } from "../../core/util/base64.ts";
import { unlessGone } from "./_errors.ts";
import type { Controller } from "./controller.ts";

/** Options of {@linkcode serviceAccountSecretsController}. */
export interface ServiceAccountSecretsOptions {
  /** PEM of the authority by which the API server is known. */
  readonly rootCa: () => Promise<string>;
  /** A token without end that is bound to a secret. */
  issueToken(content: {
    readonly namespace: string;
    readonly account: { readonly name: string; readonly uid: string };
    readonly secretName: string;
  }): Promise<string>;
}

const tokenType = "kubernetes.io/service-account-token";
const nameAnnotation = "kubernetes.io/service-account.name";
const uidAnnotation = "kubernetes.io/service-account.uid";
const byAccount = "account";

/**
 * Fills the secrets in which people want the token of a ServiceAccount, and deletes them with the account.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#token-controller
 */
export function serviceAccountSecretsController(options: ServiceAccountSecretsOptions): Controller {
  return {
    name: "tokens-controller",
    reconciles: secret,
    watches: [
      {
        kind: secret,
        indexes: { [byAccount]: accountKeys },
        keys: () => [],
      },
      {
        kind: serviceAccount,
        keys: ({ metadata: { namespace = "", name = "" } }, lister) =>
          lister(secret)
            .byIndex(byAccount, `${namespace}/${name}`)
            .map(({ metadata }) => ({ namespace, name: metadata.name ?? "" })),
      },
    ],
    async reconcile(key, { client, lister, signal }) {
      const held = lister(secret).get(key);
      if (held?.type !== tokenType || held.metadata.deletionTimestamp) return undefined;
      const { namespace = "", annotations = {}, uid } = held.metadata;
      const account = lister(serviceAccount).get({ namespace, name: annotations[nameAnnotation] ?? "" });
      const isOurs = !annotations[uidAnnotation] || annotations[uidAnnotation] === account?.metadata.uid;
      if (!account || !isOurs) {
        await unlessGone(client.delete(secret, key, { signal, preconditions: uid ? { uid } : {} }));
        return undefined;
      }
      if (isComplete(held, account)) return undefined;
      await client.update(secret, await filled(held, account, options), { signal });
      return undefined;
    },
  };
}

/** One function for all starts of the controller: an index belongs to its informer, which outlives them. */
function accountKeys(object: KubeObject): readonly string[] {
  const { type, metadata } = object as Secret;
  return type === tokenType && !controllerOf({ metadata } as Secret)
    ? [`${metadata.namespace ?? ""}/${metadata.annotations?.[nameAnnotation] ?? ""}`]
    : [];
}

function isComplete({ metadata, data = {} }: Secret, account: ServiceAccount): boolean {
  return (
    metadata.annotations?.[uidAnnotation] === account.metadata.uid &&
    ["token", "ca.crt", "namespace"].every((name) => Object.hasOwn(data, name))
  );
}

async function filled(held: Secret, account: ServiceAccount, options: ServiceAccountSecretsOptions): Promise<Secret> {
  const { namespace = "", name = "" } = held.metadata;
  const ref = { name: account.metadata.name ?? "", uid: account.metadata.uid ?? "" };
  const encode = (text: string) => toBase64(new TextEncoder().encode(text));
  const token = held.data?.["token"] ?? encode(await options.issueToken({ namespace, account: ref, secretName: name }));
  return {
    ...held,
    metadata: { ...held.metadata, annotations: { ...held.metadata.annotations, [uidAnnotation]: ref.uid } },
    data: { ...held.data, token, "ca.crt": encode(await options.rootCa()), namespace: encode(namespace) },
  };
}
