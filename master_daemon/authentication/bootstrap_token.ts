import {
  bootstrapTokenEntry,
  bootstrapTokenName,
  bootstrapTokenNamespace,
  bootstrapTokenOf,
} from "../../core/kinds/bootstrap_tokens.ts";
import { type Secret, secret as secretKind } from "../../core/kinds/secret.ts";
import { sha256 } from "../../core/platform/hash.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Registries } from "../registry/registry.ts";
import type { Authenticator } from "./authenticator.ts";

const tokenForm = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const defaultGroup = "system:bootstrappers";

/**
 * New nodes, by the tokens in secrets of type bootstrap.kubernetes.io/token in kube-system.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
 */
export function bootstrapTokenAuthenticator({
  registries,
  clock,
}: {
  readonly registries: Registries;
  readonly clock: Pick<Clock, "now">;
}): Authenticator {
  const secrets = registries.for(secretKind);
  return {
    name: "bootstrap-token",
    async authenticateToken(token) {
      const [, id = "", secret = ""] = tokenForm.exec(token) ?? [];
      if (id === "") return undefined;
      const found = await secrets
        .get({ namespace: bootstrapTokenNamespace, name: bootstrapTokenName(id) })
        .catch(() => undefined);
      const groups = found && groupsOf(found.object, { id, secret, nowMs: clock.now() });
      return groups && { user: { username: `system:bootstrap:${id}`, groups } };
    },
  };
}

/** The groups that a secret gives to who holds its token; undefined when it gives none. */
function groupsOf(
  held: Secret,
  { id, secret, nowMs }: { readonly id: string; readonly secret: string; readonly nowMs: number },
): readonly string[] | undefined {
  const token = bootstrapTokenOf(held, { usage: "authentication", nowMs });
  const isRight = token?.id === id && sha256(token.secret) === sha256(secret);
  if (!isRight || held.metadata.deletionTimestamp !== undefined) return undefined;
  const extra = bootstrapTokenEntry(held, "auth-extra-groups")
    .split(",")
    .filter((group) => group !== "");
  return extra.every((group) => groupForm.test(group)) ? [defaultGroup, ...extra] : undefined;
}
