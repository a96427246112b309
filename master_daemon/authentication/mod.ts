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
import type { Random } from "../../core/platform/random.ts";
import type { Clock } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import type { Logger } from "../../core/util/log.ts";
import { onceAsync } from "../../core/util/once.ts";
import type { Registries } from "../registry/registry.ts";
import type { Authenticator } from "./authenticator.ts";
import { bootstrapTokenAuthenticator } from "./bootstrap_token.ts";
import { certificateAuthenticator } from "./client_certificate.ts";
import { jwtAuthenticator } from "./jwt.ts";
import type { AuthenticationConfiguration, ConfiguredIssuer } from "./jwt_configuration.ts";
import { type OidcOptions, oidcIssuer } from "./oidc.ts";
import { OidcKeys } from "./oidc_keys.ts";
import { type RequestHeaderOptions, requestHeaderAuthenticator } from "./request_header.ts";
import { serviceAccountAuthenticator } from "./service_account.ts";
import { openServiceAccountKeys, type ServiceAccountKeyOptions } from "./service_account_keys.ts";
import { type ServiceAccountTokens, serviceAccountTokens } from "./service_account_tokens.ts";
import { parseTokenFile, tokenFileAuthenticator } from "./token_file.ts";

/** How users are told, named as kube-apiserver's flags. */
export interface AuthenticationFlags {
  /** Authorities of client certificates besides the cluster's own. */
  readonly clientCaFile?: string | undefined;
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
  /** Path of an AuthenticationConfiguration: several identity providers, and who may show nothing. */
  readonly authenticationConfig?: string | undefined;
  readonly tokenWebhook?: TokenWebhookFlags | undefined;
  readonly requestHeader?: (Omit<RequestHeaderOptions, "authorities"> & { readonly clientCaFile: string }) | undefined;
}

/** A server outside that knows tokens. */
export interface TokenWebhookFlags {
  /** Path of a kubeconfig. */
  readonly configFile: string;
  readonly version: "v1" | "v1beta1";
  readonly cacheTtlMs: number;
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
  readonly random: Random;
  readonly log: Logger;
}

/** All ways of telling who sent a request. */
export interface Authentication extends AsyncDisposable {
  readonly authenticators: readonly Authenticator[];
  readonly audiences: readonly string[];
  readonly tokens: ServiceAccountTokens;
  /** PEM of the authorities of users and of front proxies besides the cluster's own. */
  readonly clientAuthorities: readonly string[];
  /** PEM of those among them whose certificates name users. */
  readonly userAuthorities: readonly string[];
  /** Whether requests that show nothing are those of `system:anonymous`. */
  allowsAnonymous(path: string): boolean;
}

const defaultIssuer = "https://kubernetes.default.svc.cluster.local";

/** @throws Error for files that cannot be read, SyntaxError for flags that cannot be used */
export async function openAuthentication(options: OpenAuthenticationOptions): Promise<Authentication> {
  const { flags, registries, clock, keyFolder } = options;
  const { serviceAccountIssuers: issuers = [defaultIssuer] } = flags;
  const audiences = flags.apiAudiences?.length ? flags.apiAudiences : issuers.slice(0, 1);
  const tokens = serviceAccountTokens({
    issuers,
    keys: onceAsync(() =>
      openServiceAccountKeys({
        folder: keyFolder,
        signingKeyFile: flags.serviceAccountSigningKeyFile,
        keyFiles: flags.serviceAccountKeyFiles,
      }),
    ),
    clock,
  });
  const parts = new DisposalStack();
  try {
    const certificates = await ofCertificates(options);
    const configured = await readConfigured(flags, issuers);
    const authenticators: readonly Authenticator[] = [
      ...certificates.authenticators,
      tokenFileAuthenticator(await knownTokens(options)),
      serviceAccountAuthenticator({ tokens, registries, clock }),
      ...(flags.enableBootstrapTokenAuth ? [bootstrapTokenAuthenticator({ registries, clock })] : []),
      ...(await ofProviders(flags, configured?.issuers ?? [], { clock, parts })),
      ...(flags.tokenWebhook ? [await ofWebhook(flags.tokenWebhook, { ...options, parts })] : []),
    ];
    const { enabled = flags.anonymousAuth ?? false, paths } = configured?.anonymous ?? {};
    return {
      authenticators,
      audiences,
      tokens,
      ...certificates.authorities,
      allowsAnonymous: (path) => enabled && (paths?.includes(path) ?? true),
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    };
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

/** Front proxies and users by their certificates; which authority signs those of whom is asked only where there are several. */
async function ofCertificates({
  flags: { requestHeader, clientCaFile },
  authority,
}: Pick<OpenAuthenticationOptions, "flags" | "authority">): Promise<{
  readonly authenticators: readonly Authenticator[];
  readonly authorities: Pick<Authentication, "clientAuthorities" | "userAuthorities">;
}> {
  const ofProxies =
    requestHeader && (await readAuthorities(requestHeader.clientCaFile, "requestheader-client-ca-file"));
  const userAuthorities = clientCaFile === undefined ? [] : await readAuthorities(clientCaFile, "client-ca-file");
  const authorities = { clientAuthorities: [...userAuthorities, ...(ofProxies ?? [])], userAuthorities };
  if (!requestHeader || !ofProxies) return { authenticators: [certificateAuthenticator()], authorities };
  const ofUsers = [await authority(), ...userAuthorities].map(fingerprint);
  return {
    authenticators: [
      requestHeaderAuthenticator({ ...requestHeader, authorities: ofProxies.map(fingerprint) }),
      certificateAuthenticator({ authorities: ofUsers }),
    ],
    authorities,
  };
}

async function readAuthorities(path: string, flag: string): Promise<readonly string[]> {
  const authorities = splitCertificates(await readNeeded(path, `--${flag}`));
  if (authorities.length === 0) throw new SyntaxError(`--${flag}: ${path} holds no certificate`);
  return authorities;
}

async function knownTokens({ flags, tokens }: OpenAuthenticationOptions): Promise<ReadonlyMap<string, UserInfo>> {
  if (flags.tokenAuthFile === undefined) return new Map(tokens);
  return new Map([...(tokens ?? []), ...parseTokenFile(await readNeeded(flags.tokenAuthFile, "the token file"))]);
}

async function readConfigured(
  { authenticationConfig, oidc, anonymousAuth }: AuthenticationFlags,
  ownIssuers: readonly string[],
): Promise<AuthenticationConfiguration | undefined> {
  if (authenticationConfig === undefined) return undefined;
  if (oidc) throw new SyntaxError("authentication-config file and oidc-* flags are mutually exclusive");
  // With expressions it brings their library along.
  const { readAuthenticationConfiguration } = await import("./jwt_configuration.ts");
  const configured = await readAuthenticationConfiguration(authenticationConfig, { ownIssuers });
  if (configured.anonymous && anonymousAuth !== undefined)
    throw new SyntaxError(
      "--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file",
    );
  return configured;
}

async function ofProviders(
  { oidc }: AuthenticationFlags,
  configured: readonly ConfiguredIssuer[],
  { clock, parts }: { readonly clock: Clock; readonly parts: DisposalStack },
): Promise<readonly Authenticator[]> {
  const ca = oidc?.caFile === undefined ? undefined : await readNeeded(oidc.caFile, "--oidc-ca-file");
  const byFlags = oidc ? [{ ...oidcIssuer(oidc), discoveryUrl: undefined, certificateAuthority: ca }] : [];
  return [...byFlags, ...configured].map(({ discoveryUrl, certificateAuthority, ...issuer }) => {
    const how = { issuerUrl: issuer.url, discoveryUrl, ca: certificateAuthority };
    return jwtAuthenticator(issuer, { keys: parts.use(new OidcKeys({ ...how, clock })), clock });
  });
}

async function ofWebhook(
  { configFile, version, cacheTtlMs }: TokenWebhookFlags,
  {
    clock,
    random,
    log,
    parts,
  }: Pick<OpenAuthenticationOptions, "clock" | "random" | "log"> & {
    readonly parts: DisposalStack;
  },
): Promise<Authenticator> {
  const [{ openKubeconfigWebhook }, { webhookTokenAuthenticator }] = await Promise.all([
    import("../../core/client/kubeconfig_webhook.ts"),
    import("./webhook_token.ts"),
  ]);
  const webhook = parts.use(await openKubeconfigWebhook({ path: configFile, clock, random }));
  return webhookTokenAuthenticator({ webhook, version, cacheTtlMs, clock, log });
}

async function readNeeded(path: string, what: string): Promise<string> {
  const text = await readTextFile(path);
  if (text === undefined) throw new Error(`Cannot read ${what}: ${path} is not there`);
  return text;
}
