/**
 * Who sent a request.
 *
 * - One way of telling per file, opened here in the order in which they are asked; the first that knows decides.
 * - Nothing that is shown is believed before it was verified: a certificate by the listener, a token by its signature or
 *   by comparing digests. What is known to be wrong is refused, never taken for anonymous.
 * - Tokens, keys and headers are never logged.
 */
import type { UserInfo } from "../../core/client/transport.ts";
import { fingerprint, splitCertificates } from "../../core/platform/certificates.ts";
import { readTextFile } from "../../core/platform/files.ts";
import type { Clock } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import type { Registries } from "../registry/registry.ts";
import type { Authenticator } from "./authenticator.ts";
import { bootstrapTokenAuthenticator } from "./bootstrap_token.ts";
import { certificateAuthenticator } from "./client_certificate.ts";
import { type OidcOptions, oidcAuthenticator } from "./oidc.ts";
import { OidcKeys } from "./oidc_keys.ts";
import { type RequestHeaderOptions, requestHeaderAuthenticator } from "./request_header.ts";
import { serviceAccountAuthenticator } from "./service_account.ts";
import { openServiceAccountKeys, type ServiceAccountKeyOptions } from "./service_account_keys.ts";
import { type ServiceAccountTokens, serviceAccountTokens } from "./service_account_tokens.ts";
import { parseTokenFile, tokenFileAuthenticator } from "./token_file.ts";

/** How users are told, named as kube-apiserver's flags. */
export interface AuthenticationFlags {
  readonly tokenAuthFile?: string | undefined;
  /** Default false: what shows no credentials is refused. */
  readonly anonymousAuth?: boolean | undefined;
  /** Default false. */
  readonly enableBootstrapTokenAuth?: boolean | undefined;
  /** Default: `https://kubernetes.default.svc.cluster.local`. The first is written, all are believed. */
  readonly serviceAccountIssuers?: readonly string[] | undefined;
  /** Default: the first issuer. */
  readonly apiAudiences?: readonly string[] | undefined;
  readonly serviceAccountSigningKeyFile?: string | undefined;
  readonly serviceAccountKeyFiles?: readonly string[] | undefined;
  /** Where the issuer's keys are found. Default: at this server. */
  readonly serviceAccountJwksUri?: string | undefined;
  /** Milliseconds that a token lasts at most. Default: as long as is asked for. */
  readonly serviceAccountMaxTokenExpirationMs?: number | undefined;
  /** Whether tokens in pods last a year, and using them after the hour asked for is noted. Default true. */
  readonly serviceAccountExtendTokenExpiration?: boolean | undefined;
  readonly oidc?: (OidcOptions & { readonly caFile?: string | undefined }) | undefined;
  readonly requestHeader?: (Omit<RequestHeaderOptions, "authorities"> & { readonly clientCaFile: string }) | undefined;
}

/** Options of {@linkcode openAuthentication}. */
export interface OpenAuthenticationOptions {
  readonly flags: AuthenticationFlags;
  /** Tokens besides those of the file. */
  readonly tokens?: ReadonlyMap<string, UserInfo> | undefined;
  /** PEM of the cluster's own authority. Asked for only when there is another one to be told from it. */
  readonly authority: () => Promise<string>;
  readonly keyFolder: ServiceAccountKeyOptions["folder"];
  readonly registries: Registries;
  readonly clock: Clock;
}

/** All ways of telling who sent a request. */
export interface Authentication extends AsyncDisposable {
  readonly authenticators: readonly Authenticator[];
  readonly audiences: readonly string[];
  readonly tokens: ServiceAccountTokens;
  /** PEM of the authorities of front proxies; undefined: there are none. */
  readonly proxyAuthorities: string | undefined;
}

const defaultIssuer = "https://kubernetes.default.svc.cluster.local";

/** @throws Error for files that cannot be read, SyntaxError for flags that cannot be used */
export async function openAuthentication(options: OpenAuthenticationOptions): Promise<Authentication> {
  const { flags, registries, clock, keyFolder } = options;
  const { oidc, requestHeader, serviceAccountIssuers: issuers = [defaultIssuer] } = flags;
  const parts = new DisposalStack();
  const proxyAuthorities =
    requestHeader && (await readNeeded(requestHeader.clientCaFile, "--requestheader-client-ca-file"));
  const known = new Map(options.tokens);
  if (flags.tokenAuthFile !== undefined)
    for (const [token, user] of parseTokenFile(await readNeeded(flags.tokenAuthFile, "the token file")))
      known.set(token, user);
  const tokens = serviceAccountTokens({
    issuers,
    keys: once(() =>
      openServiceAccountKeys({
        folder: keyFolder,
        signingKeyFile: flags.serviceAccountSigningKeyFile,
        keyFiles: flags.serviceAccountKeyFiles,
      }),
    ),
    clock,
  });
  const authenticators: Authenticator[] = [];
  if (requestHeader && proxyAuthorities !== undefined) {
    const ofProxies = splitCertificates(proxyAuthorities).map(fingerprint);
    authenticators.push(requestHeaderAuthenticator({ ...requestHeader, authorities: ofProxies }));
    authenticators.push(certificateAuthenticator({ authorities: [fingerprint(await options.authority())] }));
  } else authenticators.push(certificateAuthenticator());
  authenticators.push(tokenFileAuthenticator(known), serviceAccountAuthenticator({ tokens, registries, clock }));
  if (flags.enableBootstrapTokenAuth) authenticators.push(bootstrapTokenAuthenticator({ registries, clock }));
  if (oidc) {
    const ca = oidc.caFile === undefined ? undefined : await readNeeded(oidc.caFile, "--oidc-ca-file");
    const keys = parts.use(new OidcKeys({ issuerUrl: oidc.issuerUrl, ca, clock }));
    authenticators.push(oidcAuthenticator(oidc, { keys, clock }));
  }
  return {
    authenticators,
    audiences: flags.apiAudiences?.length ? flags.apiAudiences : issuers.slice(0, 1),
    tokens,
    proxyAuthorities,
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
}

async function readNeeded(path: string, what: string): Promise<string> {
  const text = await readTextFile(path);
  if (text === undefined) throw new Error(`Cannot read ${what}: ${path} is not there`);
  return text;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    // A failure, such as a file that is being replaced, is not kept.
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
