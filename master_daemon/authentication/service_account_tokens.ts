import type { CryptoKey } from "jose";
import { asJson } from "../../core/api/json_object.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { sha256 } from "../../core/platform/hash.ts";
import type { PublicKey } from "../../core/platform/keys.ts";
import { randomUuid } from "../../core/platform/uuid.ts";
import type { Clock } from "../../core/util/clock.ts";
import { accountUsername } from "../authorization/policy.ts";
import type { ServiceAccountKeys } from "./service_account_keys.ts";

/** An object that a token speaks of. */
export interface TokenRef {
  readonly name: string;
  readonly uid: string;
}

/** What a token is to say. */
export interface TokenContent {
  readonly namespace: string;
  readonly account: TokenRef;
  readonly pod?: TokenRef | undefined;
  readonly secret?: TokenRef | undefined;
  /** Of the pod; or what the token is bound to. */
  readonly node?: TokenRef | undefined;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** Seconds after which its use is noted in the audit log. */
  readonly warnAfterSeconds?: number | undefined;
}

/** What a token whose signature was checked says. */
export interface TokenClaims
  extends Pick<TokenContent, "namespace" | "account" | "pod" | "secret" | "node" | "audiences"> {
  /** Of the token itself. */
  readonly id: string | undefined;
  /** Seconds since the epoch; undefined: never. */
  readonly expiresAt: number | undefined;
  readonly notBefore: number | undefined;
  readonly warnAfter: number | undefined;
}

/** Options of {@linkcode serviceAccountTokens}. */
export interface ServiceAccountTokenOptions {
  /** `--service-account-issuer`: the first is written, all are believed. */
  readonly issuers: readonly string[];
  /** Loaded with the first token. */
  readonly keys: () => Promise<ServiceAccountKeys>;
  readonly clock: Pick<Clock, "now">;
}

/** Writes and reads ServiceAccount tokens. */
export interface ServiceAccountTokens {
  readonly issuers: readonly string[];
  issue(content: TokenContent): Promise<{ readonly token: string; readonly id: string }>;
  /** A token without end and without audience, as secrets of type kubernetes.io/service-account-token hold. */
  issueLegacy(content: {
    readonly namespace: string;
    readonly account: TokenRef;
    readonly secretName: string;
  }): Promise<string>;
  /**
   * The claims of a token; undefined when it is of another issuer. Says nothing of time, audience and bound objects.
   *
   * @throws Error for a token of this issuer that is not signed by one of its keys
   */
  verify(token: string): Promise<TokenClaims | undefined>;
  /** The public keys, as `/openid/v1/jwks` serves them. */
  keySet(): Promise<readonly JsonObject[]>;
}

/** Issuer of tokens in secrets. */
const legacyIssuer = "kubernetes/serviceaccount";
/** Verified tokens that are remembered: a signature costs more than everything else in a short request. */
const maxRemembered = 1024;

/** The tokens of one cluster. The library for them is loaded with the first. */
export function serviceAccountTokens({ issuers, keys, clock }: ServiceAccountTokenOptions): ServiceAccountTokens {
  const [issuer = ""] = issuers;
  const remembered = new Map<string, TokenClaims>();
  /** Reading a key takes longer than signing with it. */
  let imported: { readonly id: string; readonly key: CryptoKey } | undefined;

  async function sign(claims: JsonObject): Promise<string> {
    const { SignJWT, importPKCS8 } = await import("jose");
    const { signing } = await keys();
    const { id, algorithm } = signing;
    if (imported?.id !== id) imported = { id, key: await importPKCS8(signing.pkcs8, algorithm) };
    return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: id }).sign(imported.key);
  }

  return {
    issuers,
    async issue(content) {
      const now = Math.floor(clock.now() / 1000);
      const id = randomUuid();
      const { namespace, account, pod, secret, node, audiences, expirationSeconds, warnAfterSeconds } = content;
      const refs = { ...(node ? { node } : {}), ...(pod ? { pod } : {}), ...(secret ? { secret } : {}) };
      const token = await sign(
        asJson({
          aud: audiences,
          exp: now + expirationSeconds,
          iat: now,
          iss: issuer,
          jti: id,
          "kubernetes.io": {
            namespace,
            ...refs,
            serviceaccount: account,
            ...(warnAfterSeconds ? { warnafter: now + warnAfterSeconds } : {}),
          },
          nbf: now,
          sub: accountUsername(namespace, account.name),
        }),
      );
      return { token, id };
    },
    issueLegacy: ({ namespace, account, secretName }) =>
      sign({
        iss: legacyIssuer,
        "kubernetes.io/serviceaccount/namespace": namespace,
        "kubernetes.io/serviceaccount/secret.name": secretName,
        "kubernetes.io/serviceaccount/service-account.name": account.name,
        "kubernetes.io/serviceaccount/service-account.uid": account.uid,
        sub: accountUsername(namespace, account.name),
      }),
    async verify(token) {
      const digest = sha256(token);
      const known = remembered.get(digest);
      if (known) return known;
      const claimed = unverifiedIssuer(token);
      if (claimed === undefined || (claimed !== legacyIssuer && !issuers.includes(claimed))) return undefined;
      const payload = await verifySignature(token, (await keys()).trusted);
      const claims = claimed === legacyIssuer ? legacyClaims(payload) : boundClaims(payload);
      if (remembered.size >= maxRemembered) remembered.clear();
      remembered.set(digest, claims);
      return claims;
    },
    async keySet() {
      const { exportJWK, importSPKI } = await import("jose");
      const { trusted } = await keys();
      return Promise.all(
        trusted.map(async ({ spki, algorithm, id }) => {
          const key = await exportJWK(await importSPKI(spki, algorithm, { extractable: true }));
          return asJson({ use: "sig", kid: id, alg: algorithm, ...key });
        }),
      );
    },
  };
}

/** The `iss` of what may be a JSON Web Token. Nothing is believed yet: it tells only whose it would be. */
export function unverifiedIssuer(token: string): string | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const text = new TextDecoder().decode(bytesOf(parts[1] ?? ""));
    const payload: unknown = JSON.parse(text);
    const issuer = isRecord(payload) ? payload["iss"] : undefined;
    return typeof issuer === "string" ? issuer : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(base64url: string): Uint8Array {
  return Uint8Array.from(atob(base64url.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}

/** @throws Error unless one of the keys signed the token, with the key's own algorithm */
async function verifySignature(
  token: string,
  trusted: readonly PublicKey[],
): Promise<Readonly<Record<string, unknown>>> {
  const { compactVerify, decodeProtectedHeader, importSPKI } = await import("jose");
  const { kid } = decodeProtectedHeader(token);
  const named = trusted.filter(({ id }) => id === kid);
  for (const { spki, algorithm } of named.length > 0 ? named : trusted) {
    try {
      // The algorithm is the key's, never the token's: "none", or HMAC with the public key, verify nothing.
      const { payload } = await compactVerify(token, await importSPKI(spki, algorithm), { algorithms: [algorithm] });
      const claims: unknown = JSON.parse(new TextDecoder().decode(payload));
      if (isRecord(claims)) return claims;
    } catch {
      // Another key may have signed it.
    }
  }
  throw new Error("failed to verify id token signature");
}

function boundClaims(payload: Readonly<Record<string, unknown>>): TokenClaims {
  const kubernetes = isRecord(payload["kubernetes.io"]) ? payload["kubernetes.io"] : {};
  const audience = payload["aud"];
  const audiences = Array.isArray(audience) ? audience.filter((one) => typeof one === "string") : [audience];
  return {
    namespace: textOf(kubernetes["namespace"]),
    account: refOf(kubernetes["serviceaccount"]) ?? { name: "", uid: "" },
    pod: refOf(kubernetes["pod"]),
    secret: refOf(kubernetes["secret"]),
    node: refOf(kubernetes["node"]),
    audiences: audiences.filter((one) => typeof one === "string"),
    id: textOf(payload["jti"]) || undefined,
    expiresAt: numberOf(payload["exp"]),
    notBefore: numberOf(payload["nbf"]),
    warnAfter: numberOf(kubernetes["warnafter"]),
  };
}

function legacyClaims(payload: Readonly<Record<string, unknown>>): TokenClaims {
  const claim = (name: string) => textOf(payload[`kubernetes.io/serviceaccount/${name}`]);
  return {
    namespace: claim("namespace"),
    account: { name: claim("service-account.name"), uid: claim("service-account.uid") },
    pod: undefined,
    // Told by its name only: the token in it has to be this very one.
    secret: { name: claim("secret.name"), uid: "" },
    node: undefined,
    audiences: [],
    id: undefined,
    expiresAt: undefined,
    notBefore: undefined,
    warnAfter: undefined,
  };
}

function refOf(value: unknown): TokenRef | undefined {
  return isRecord(value) ? { name: textOf(value["name"]), uid: textOf(value["uid"]) } : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
