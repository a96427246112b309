import type { UserInfo } from "../../core/client/transport.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Authenticator } from "./authenticator.ts";
import type { OidcKeys } from "./oidc_keys.ts";
import { unverifiedIssuer } from "./service_account_tokens.ts";

/** Options of {@linkcode oidcAuthenticator}, named as kube-apiserver's flags `--oidc-…`. */
export interface OidcOptions {
  readonly issuerUrl: string;
  /** What tokens must be meant for. */
  readonly clientId: string;
  /** Default `sub`. */
  readonly usernameClaim?: string | undefined;
  /** Default: the issuer and `#`, unless the claim is `email`. `-`: none. */
  readonly usernamePrefix?: string | undefined;
  readonly groupsClaim?: string | undefined;
  readonly groupsPrefix?: string | undefined;
  /** Claims that tokens must have, with these values. */
  readonly requiredClaims?: ReadonlyMap<string, string> | undefined;
  /** Default RS256. */
  readonly signingAlgs?: readonly string[] | undefined;
}

/** Those that Kubernetes allows: none whose key is a shared secret. */
const asymmetric = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];

/**
 * Users whom an identity provider vouches for.
 *
 * @throws SyntaxError for options that Kubernetes refuses
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#openid-connect-tokens
 */
export function oidcAuthenticator(
  options: OidcOptions,
  { keys, clock }: { readonly keys: OidcKeys; readonly clock: Pick<Clock, "now"> },
): Authenticator {
  const { issuerUrl, clientId, signingAlgs = ["RS256"] } = options;
  checkOptions(options);
  return {
    name: "oidc",
    async authenticateToken(token) {
      if (unverifiedIssuer(token) !== issuerUrl) return undefined;
      const { decodeProtectedHeader, createLocalJWKSet, jwtVerify } = await import("jose");
      const known = await keys.get(decodeProtectedHeader(token).kid);
      const keySet = createLocalJWKSet({ keys: known as unknown as Parameters<typeof createLocalJWKSet>[0]["keys"] });
      const { payload } = await jwtVerify(token, keySet, {
        issuer: issuerUrl,
        audience: clientId,
        algorithms: [...signingAlgs],
        currentDate: new Date(clock.now()),
        requiredClaims: ["exp"],
      }).catch((error: unknown) => {
        throw new Error(`oidc: verify token: ${error instanceof Error ? error.message : String(error)}`);
      });
      return { user: userOf(payload, options) };
    },
  };
}

function checkOptions({ issuerUrl, clientId, signingAlgs = [] }: OidcOptions): void {
  if (!URL.canParse(issuerUrl) || new URL(issuerUrl).protocol !== "https:")
    throw new SyntaxError(`--oidc-issuer-url (${JSON.stringify(issuerUrl)}) has invalid scheme, require 'https'`);
  if (clientId === "") throw new SyntaxError("--oidc-issuer-url and --oidc-client-id must be specified together");
  const unknown = signingAlgs.find((algorithm) => !asymmetric.includes(algorithm));
  if (unknown) throw new SyntaxError(`--oidc-signing-algs: oidc: unsupported signing alg: ${JSON.stringify(unknown)}`);
}

/** @throws Error for a token without what the options ask for */
function userOf(payload: Readonly<Record<string, unknown>>, options: OidcOptions): UserInfo {
  const { issuerUrl, usernameClaim = "sub", groupsClaim, groupsPrefix = "", requiredClaims = new Map() } = options;
  for (const [name, value] of requiredClaims)
    if (claim(payload, name) !== value)
      throw new Error(`oidc: required claim ${name} not present in ID token, or of another value`);
  const name = claim(payload, usernameClaim);
  if (typeof name !== "string" || name === "")
    throw new Error(`oidc: parse username claims ${JSON.stringify(usernameClaim)}: claim not present`);
  if (usernameClaim === "email" && (claim(payload, "email_verified") ?? true) !== true)
    throw new Error(`oidc: email not verified: ${JSON.stringify(name)}`);
  const defaultPrefix = usernameClaim === "email" ? "" : `${issuerUrl}#`;
  const prefix = options.usernamePrefix === "-" ? "" : options.usernamePrefix || defaultPrefix;
  const claimed = groupsClaim === undefined ? [] : (claim(payload, groupsClaim) ?? []);
  const groups = typeof claimed === "string" ? [claimed] : claimed;
  if (!Array.isArray(groups) || groups.some((group) => typeof group !== "string"))
    throw new Error(`oidc: parse groups claim ${JSON.stringify(groupsClaim)}: it must be a text or a list of texts`);
  return { username: `${prefix}${name}`, groups: groups.map((group) => `${groupsPrefix}${String(group)}`) };
}

function claim(payload: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined;
}
