import type { UserInfo } from "../../core/client/transport.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Claims } from "./claims.ts";
import type { OidcKeys } from "./oidc_keys.ts";
import { unverifiedIssuer } from "./service_account_tokens.ts";

/** An identity provider whose tokens are believed. */
export interface JwtIssuer {
  /** `https://…`: what stands in its tokens. */
  readonly url: string;
  /** For one of which tokens must be meant. */
  readonly audiences: readonly string[];
  readonly signingAlgs: readonly string[];
  /** The user that a token's claims tell of. @throws Error when they tell of none */
  userOf(claims: Claims): UserInfo;
}

/** Algorithms that Kubernetes allows: none whose key is a shared secret. */
export const asymmetricAlgorithms: readonly string[] = ["RS", "ES", "PS"].flatMap((family) =>
  ["256", "384", "512"].map((bits) => `${family}${bits}`),
);

/**
 * Users whom an identity provider vouches for.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#openid-connect-tokens
 */
export function jwtAuthenticator(
  { url, audiences, signingAlgs, userOf }: JwtIssuer,
  { keys, clock }: { readonly keys: OidcKeys; readonly clock: Pick<Clock, "now"> },
): Authenticator {
  return {
    name: "oidc",
    async authenticateToken(token) {
      if (unverifiedIssuer(token) !== url) return undefined;
      const { decodeProtectedHeader, createLocalJWKSet, jwtVerify } = await import("jose");
      const known = await keys.get(decodeProtectedHeader(token).kid);
      const keySet = createLocalJWKSet({ keys: known as unknown as Parameters<typeof createLocalJWKSet>[0]["keys"] });
      const { payload } = await jwtVerify(token, keySet, {
        issuer: url,
        audience: [...audiences],
        algorithms: [...signingAlgs],
        currentDate: new Date(clock.now()),
        requiredClaims: ["exp"],
      }).catch((error: unknown) => {
        throw new Error(`oidc: verify token: ${error instanceof Error ? error.message : String(error)}`);
      });
      return { user: userOf(payload) };
    },
  };
}
