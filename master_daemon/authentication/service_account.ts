import type { KubeObject } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import { dayOf, invalidSinceLabel, lastUsedLabel } from "../../core/kinds/legacy_tokens.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { pod as podKind } from "../../core/kinds/pod.ts";
import { type Secret, secret as secretKind } from "../../core/kinds/secret.ts";
import { serviceAccount } from "../../core/kinds/service_account.ts";
import type { Clock } from "../../core/util/clock.ts";
import { accountGroups, accountUsername } from "../authorization/policy.ts";
import type { Registries, Registry } from "../registry/registry.ts";
import { type Authenticator, credentialIdKey } from "./authenticator.ts";
import type { ServiceAccountTokens, TokenClaims, TokenRef } from "./service_account_tokens.ts";

/** Options of {@linkcode serviceAccountAuthenticator}. */
export interface ServiceAccountOptions {
  readonly tokens: ServiceAccountTokens;
  readonly registries: Registries;
  readonly clock: Pick<Clock, "now">;
}

const dayMs = 24 * 3_600_000;
const apiServer: UserInfo = { username: "system:apiserver", groups: ["system:masters"] };
const invalidMessage = `the token in secret has been marked as invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the label '${invalidSinceLabel}' from the secret to temporarily allow use of this token`;
/** Milliseconds that clocks may differ, and that a deleted object's token goes on. */
const leewayMs = 60_000;

/**
 * ServiceAccounts by their tokens. A token is good only while its account is there, and the pod, secret or node that it
 * is bound to.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
 */
export function serviceAccountAuthenticator({ tokens, registries, clock }: ServiceAccountOptions): Authenticator {
  const accounts = registries.for(serviceAccount);
  const secrets = registries.for(secretKind);

  /** @throws Error unless an object is there, is the one that is meant, and is not on its way out */
  async function present<T extends KubeObject>(
    registry: Registry<T>,
    namespace: string | undefined,
    ref: TokenRef,
  ): Promise<T> {
    const key = { ...(namespace === undefined ? {} : { namespace }), name: ref.name };
    const found = await registry.get(key).catch((error: unknown) => {
      if (isReason(error, "NotFound")) throw new Error("service account token has been invalidated");
      throw error;
    });
    const { uid = "", deletionTimestamp } = found.object.metadata;
    if (ref.uid !== uid) throw new Error(`${registry.kind.singular} UID (${uid}) does not match claim (${ref.uid})`);
    if (deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < clock.now() - leewayMs)
      throw new Error("service account token has been invalidated");
    return found.object;
  }

  function checkTime({ expiresAt, notBefore }: TokenClaims): void {
    const now = clock.now();
    if (expiresAt !== undefined && expiresAt * 1000 <= now) throw new Error("service account token has expired");
    if (notBefore !== undefined && notBefore * 1000 > now + leewayMs)
      throw new Error("service account token is not valid yet");
  }

  async function checkLegacySecret(namespace: string, name: string, token: string): Promise<Secret> {
    const found = await secrets.get({ namespace, name }).catch(() => undefined);
    if (!found || found.object.metadata.deletionTimestamp || tokenIn(found.object) !== token)
      throw new Error("service account token has been invalidated");
    return found.object;
  }

  /** @throws Error for a token that nobody used for long */
  async function useLegacySecret({ metadata }: Secret): Promise<void> {
    const { namespace, name = "", labels = {} } = metadata;
    if (labels[invalidSinceLabel]) throw new Error(invalidMessage);
    const today = dayOf(clock.now());
    // The clock of another master may be ahead.
    if (labels[lastUsedLabel] === today || labels[lastUsedLabel] === dayOf(clock.now() + dayMs)) return;
    const used = (one: Secret): Secret => ({
      ...one,
      metadata: { ...one.metadata, labels: { ...one.metadata.labels, [lastUsedLabel]: today } },
    });
    // That it was used is told later, if not now; whoever shows it is who he is.
    await secrets.update({ ...(namespace ? { namespace } : {}), name }, used, { user: apiServer }).catch(() => {});
  }

  return {
    name: "service-account",
    async authenticateToken(token, wanted) {
      const claims = await tokens.verify(token);
      if (!claims) return undefined;
      checkTime(claims);
      const { namespace, account, pod, secret, node, audiences } = claims;
      const isLegacy = audiences.length === 0;
      const matching = isLegacy ? undefined : audiences.filter((audience) => wanted.includes(audience));
      if (matching?.length === 0)
        throw new Error(`token audiences ${quoted(audiences)} is invalid for the target audiences ${quoted(wanted)}`);
      const legacySecret = secret && isLegacy ? await checkLegacySecret(namespace, secret.name, token) : undefined;
      await present(accounts, namespace, account);
      if (legacySecret) await useLegacySecret(legacySecret);
      else if (secret) await present(secrets, namespace, secret);
      if (pod) await present(registries.for(podKind), namespace, pod);
      else if (node) await present(registries.for(nodeKind), undefined, node);
      return { user: userOf(claims), ...(matching ? { audiences: matching } : {}) };
    },
  };
}

function tokenIn({ data }: Secret): string | undefined {
  const encoded = data?.["token"];
  return encoded === undefined ? undefined : atob(encoded);
}

function quoted(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(" ")}]`;
}

/** The user that an account is, with what its token tells. */
function userOf({ namespace, account, pod, node, id }: TokenClaims): UserInfo {
  const extra: [string, readonly string[]][] = [];
  const add = (name: string, value: string | undefined) => {
    if (value) extra.push([`authentication.kubernetes.io/${name}`, [value]]);
  };
  if (id) extra.push([credentialIdKey, [`JTI=${id}`]]);
  add("node-name", node?.name);
  add("node-uid", node?.uid);
  add("pod-name", pod?.name);
  add("pod-uid", pod?.uid);
  return {
    username: accountUsername(namespace, account.name),
    uid: account.uid,
    groups: accountGroups(namespace),
    ...(extra.length > 0 ? { extra: Object.fromEntries(extra) } : {}),
  };
}
