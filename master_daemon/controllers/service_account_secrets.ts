import { controllerOf, type KubeObject, keyText, type ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import {
  accountNameAnnotation as nameAnnotation,
  legacyTokenType as tokenType,
  accountUidAnnotation as uidAnnotation,
} from "../../core/kinds/legacy_tokens.ts";
import { type Secret, type ServiceAccount, secret, serviceAccount } from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
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

const byAccount = "account";

/**
 * Fills the secrets in which people want the token of a ServiceAccount, deletes them with the account, and lets the account
 * forget those that go.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#token-controller
 */
export function serviceAccountSecretsController(options: ServiceAccountSecretsOptions): Controller {
  /** Accounts of secrets that were seen, by the secret's key. */
  const accounts = new Map<string, string>();
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
      if (!held) {
        const name = accounts.get(keyText(key));
        accounts.delete(keyText(key));
        if (name !== undefined) await forget(key, { namespace: key.namespace, name }, client, signal);
        return undefined;
      }
      if (held.type !== tokenType || held.metadata.deletionTimestamp) return undefined;
      const { namespace = "", annotations = {} } = held.metadata;
      accounts.set(keyText(key), annotations[nameAnnotation] ?? "");
      const account = lister(serviceAccount).get({ namespace, name: annotations[nameAnnotation] ?? "" });
      const isOurs = !annotations[uidAnnotation] || annotations[uidAnnotation] === account?.metadata.uid;
      if (!account || !isOurs) {
        await unlessGone(client.delete(secret, key, { signal, preconditions: sameObject(held) }));
        return undefined;
      }
      const complete = await filled(held, account, options);
      if (!semanticEqual(complete, held)) await client.update(secret, complete, { signal });
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

/** Takes a secret that is gone out of the list of its account. */
async function forget({ name }: ObjectKey, account: ObjectKey, client: Client, signal: AbortSignal): Promise<void> {
  try {
    const present = await client.get(serviceAccount, account, { signal });
    const secrets = (present.secrets ?? []).filter((one) => one.name !== name);
    if (secrets.length < (present.secrets ?? []).length)
      await client.update(serviceAccount, { ...present, secrets }, { signal });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}

async function filled(held: Secret, account: ServiceAccount, options: ServiceAccountSecretsOptions): Promise<Secret> {
  const { namespace = "", name = "" } = held.metadata;
  const ref = { name: account.metadata.name ?? "", uid: account.metadata.uid ?? "" };
  const encode = (text: string) => toBase64(new TextEncoder().encode(text));
  const { token = encode(await options.issueToken({ namespace, account: ref, secretName: name })) } = held.data ?? {};
  return {
    ...held,
    metadata: { ...held.metadata, annotations: { ...held.metadata.annotations, [uidAnnotation]: ref.uid } },
    data: {
      ...held.data,
      token,
      "ca.crt": encode(await options.rootCa()),
      namespace: held.data?.["namespace"] ?? encode(namespace),
    },
  };
}
