import { keyOf } from "../../core/api/meta.ts";
import { ignoreReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { bootstrapTokenExpiry, holdsBootstrapToken } from "../../core/kinds/bootstrap_tokens.ts";
import { type Secret, secret } from "../../core/kinds/mod.ts";
import { type Controller, watching } from "./controller.ts";

/**
 * Deletes the tokens by which nodes join once their time is over.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
 */
export const tokenCleanerController: Controller = {
  name: "token-cleaner-controller",
  account: "token-cleaner",
  watches: [watching<Secret>({ kind: secret, keys: (held) => (holdsBootstrapToken(held) ? [keyOf(held)] : []) })],
  async reconcile(key, { client, clock, lister, signal }) {
    const held = lister(secret).get(key);
    if (!held || !holdsBootstrapToken(held) || held.metadata.deletionTimestamp) return undefined;
    const leftMs = bootstrapTokenExpiry(held) - clock.now();
    if (leftMs > 0) return Number.isFinite(leftMs) ? { requeueAfterMs: leftMs } : undefined;
    // Another secret of that name has its own time.
    await client
      .delete(secret, key, { signal, preconditions: sameObject(held) })
      .catch(ignoreReason("NotFound", "Conflict"));
    return undefined;
  },
};
