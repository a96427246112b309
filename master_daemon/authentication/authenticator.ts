import { StatusError } from "../../core/api/status.ts";
import type { UserInfo } from "../../core/client/transport.ts";

/** What a request shows of who sent it. */
export interface Credentials {
  /** Lower-case names. Repeated headers are joined. */
  readonly headers: Readonly<Record<string, string>>;
  /** The values of a header as they were sent, one by one: some hold commas. Absent: there is at most one of each. */
  readonly values?: ((name: string) => readonly string[]) | undefined;
  /** A client certificate that one of the listener's authorities signed; the listener verified it. */
  readonly certificate?: ClientCertificate | undefined;
}

/** A verified client certificate. */
export interface ClientCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint?: string | undefined;
  /** Fingerprints of the authorities that stand above it. Absent: there is one authority only. */
  readonly authorities?: readonly string[] | undefined;
}

/** Whom a token stands for, and for which of the audiences that were asked for it is good. */
export interface TokenUser {
  readonly user: UserInfo;
  /** Absent: the token says nothing of audiences, and is the API server's. */
  readonly audiences?: readonly string[] | undefined;
}

/** One way of telling who sent a request. One file each, ordered in `mod.ts`. */
export interface Authenticator {
  readonly name: string;
  /** The user; undefined when the request shows nothing that this authenticator knows. */
  authenticate?(credentials: Credentials): Promise<UserInfo | undefined>;
  /**
   * Whom a bearer token stands for; undefined when it is none of this authenticator's.
   *
   * @param audiences one of which the token must be meant for
   * @throws Error that says what is wrong with a token that it should know
   */
  authenticateToken?(token: string, audiences: readonly string[]): Promise<TokenUser | undefined>;
}

/** Group of everybody who was authenticated. */
export const authenticatedGroup = "system:authenticated";
/** Whoever shows no credentials, where that is allowed: `--anonymous-auth`. */
export const anonymousUser: UserInfo = { username: "system:anonymous", groups: ["system:unauthenticated"] };
/** Where a user's info tells which credential was shown. */
export const credentialIdKey = "authentication.kubernetes.io/credential-id";

/** Longer tokens are not looked at. */
const maxTokenBytes = 64 * 1024;
const webSocketToken = /(?:^|,)\s*base64url\.bearer\.authorization\.k8s\.io\.([\w-]+)\s*(?:,|$)/;

/** The values of a header, one by one. */
export function headerValues({ headers, values }: Credentials, name: string): readonly string[] {
  const value = headers[name];
  return values?.(name) ?? (value === undefined ? [] : [value]);
}

/** Whether the request shows a token, and which: undefined when what should be one is not. */
function tokenOf(headers: Credentials["headers"]): { readonly token: string | undefined } | undefined {
  const authorization = headers["authorization"];
  if (authorization !== undefined) return { token: /^Bearer +(\S+) *$/i.exec(authorization)?.[1] };
  // Browsers cannot set headers on WebSockets; what opens none has no such excuse.
  if (headers["upgrade"]?.toLowerCase() !== "websocket") return undefined;
  const encoded = webSocketToken.exec(headers["sec-websocket-protocol"] ?? "")?.[1];
  if (encoded === undefined) return undefined;
  try {
    return { token: atob(encoded.replaceAll("-", "+").replaceAll("_", "/")) };
  } catch {
    return { token: undefined };
  }
}

/** Options of {@linkcode authenticate} and {@linkcode reviewToken}. */
export interface AuthenticationOptions {
  readonly authenticators: readonly Authenticator[];
  /** What the API server is called in tokens. */
  readonly audiences: readonly string[];
}

/**
 * Asks each authenticator in turn.
 *
 * @returns undefined when the request carries no credentials at all
 * @throws StatusError Unauthorized for credentials that nobody knows
 */
export async function authenticate(
  { authenticators, audiences }: AuthenticationOptions,
  credentials: Credentials,
): Promise<UserInfo | undefined> {
  for (const authenticator of authenticators) {
    const user = await authenticator.authenticate?.(credentials);
    if (user) return withAuthenticatedGroup(user);
  }
  const shown = tokenOf(credentials.headers);
  if (!shown) return undefined;
  const answer = shown.token === undefined ? undefined : await reviewToken({ authenticators, audiences }, shown.token);
  if (!answer?.user) throw StatusError.unauthorized();
  return answer.user;
}

/** What is known of a token. */
export interface TokenAnswer {
  readonly user?: UserInfo;
  /** Those asked for that the token is good for. */
  readonly audiences: readonly string[];
  /** Why there is no user. */
  readonly error?: string;
}

/** Whom a token stands for. @param options.wanted audiences, one of which it must be meant for; default: the API server's */
export async function reviewToken(
  { authenticators, audiences, wanted = audiences }: AuthenticationOptions & { readonly wanted?: readonly string[] },
  token: string,
): Promise<TokenAnswer> {
  const errors: string[] = [];
  if (token.length <= maxTokenBytes)
    for (const authenticator of authenticators) {
      try {
        const known = await authenticator.authenticateToken?.(token, wanted);
        if (!known) continue;
        const matching = known.audiences ?? wanted.filter((audience) => audiences.includes(audience));
        if (matching.length > 0 || wanted.length === 0)
          return { user: withAuthenticatedGroup(known.user), audiences: matching };
      } catch (error) {
        errors.push(error instanceof Error ? error.message : String(error));
      }
    }
  const error = "invalid bearer token";
  return { audiences: [], error: errors.length > 0 ? `[${[error, ...errors].join(", ")}]` : error };
}

function withAuthenticatedGroup(user: UserInfo): UserInfo {
  return { ...user, groups: [...new Set([...user.groups, authenticatedGroup])] };
}
