import type { UserInfo } from "../../core/client/transport.ts";
import { type Claims, groupsClaim, requireClaim, usernameClaim } from "./claims.ts";
import { asymmetricAlgorithms, type JwtIssuer } from "./jwt.ts";

/** Options of {@linkcode oidcIssuer}, named as kube-apiserver's flags `--oidc-…`. */
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

/** The identity provider that the flags describe. @throws SyntaxError for options that Kubernetes refuses */
export function oidcIssuer(options: OidcOptions): JwtIssuer {
  const { issuerUrl, clientId, signingAlgs = ["RS256"] } = options;
  checkOptions(options);
  return { url: issuerUrl, audiences: [clientId], signingAlgs, userOf: (claims) => userOf(claims, options) };
}

function checkOptions({ issuerUrl, clientId, signingAlgs = [] }: OidcOptions): void {
  if (!URL.canParse(issuerUrl) || new URL(issuerUrl).protocol !== "https:")
    throw new SyntaxError(`--oidc-issuer-url (${JSON.stringify(issuerUrl)}) has invalid scheme, require 'https'`);
  if (clientId === "") throw new SyntaxError("--oidc-issuer-url and --oidc-client-id must be specified together");
  const unknown = signingAlgs.find((algorithm) => !asymmetricAlgorithms.includes(algorithm));
  if (unknown) throw new SyntaxError(`--oidc-signing-algs: oidc: unsupported signing alg: ${JSON.stringify(unknown)}`);
}

/** @throws Error for a token without what the options ask for */
function userOf(claims: Claims, options: OidcOptions): UserInfo {
  const { issuerUrl, usernameClaim: name = "sub", groupsClaim: groups, groupsPrefix = "" } = options;
  for (const [required, value] of options.requiredClaims ?? []) requireClaim(claims, required, value);
  const defaultPrefix = name === "email" ? "" : `${issuerUrl}#`;
  const prefix = options.usernamePrefix === "-" ? "" : options.usernamePrefix || defaultPrefix;
  return {
    username: `${prefix}${usernameClaim(claims, name)}`,
    groups: groups === undefined ? [] : groupsClaim(claims, groups, groupsPrefix),
  };
}
