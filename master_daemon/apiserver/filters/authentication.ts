import { StatusError } from "../../../core/api/status.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import { sha256 } from "../../../core/platform/hash.ts";

/** What a request shows of who sent it. */
export interface Credentials {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Subject of a client certificate that the cluster's CA signed; the listener verified it. */
  readonly certificate?: CertificateSubject | undefined;
}

/** Subject of a verified client certificate. */
export interface CertificateSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** One way of telling who sent a request. */
export interface Authenticator {
  readonly name: string;
  /** The user; undefined when the request shows nothing that this authenticator knows. */
  authenticate(credentials: Credentials): Promise<UserInfo | undefined>;
}

/** Group of everybody who was authenticated. */
const authenticated = "system:authenticated";

/** User name and groups from the CN and O of a client certificate. */
export const certificateAuthenticator: Authenticator = {
  name: "client-certificate",
  async authenticate({ certificate }) {
    if (!certificate?.commonName) return undefined;
    return { username: certificate.commonName, groups: certificate.organizations };
  },
};

/** Bearer tokens that are known beforehand. Only digests are kept, so that finding one takes no time that tells about another. */
export function tokenAuthenticator(tokens: ReadonlyMap<string, UserInfo>): Authenticator {
  const users = new Map([...tokens].map(([token, user]): [string, UserInfo] => [sha256(token), user]));
  return {
    name: "token-file",
    async authenticate({ headers }) {
      const token = /^Bearer +([^\s]+)$/i.exec(headers["authorization"] ?? "")?.[1];
      return token === undefined ? undefined : users.get(sha256(token));
    },
  };
}

/**
 * Reads a static token file: lines of `token,user,uid,"group1,group2"`.
 *
 * @throws SyntaxError naming the line that is wrong, never its content
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
 */
export function parseTokenFile(text: string): ReadonlyMap<string, UserInfo> {
  const tokens = new Map<string, UserInfo>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [token, username, uid, groups] = csvFields(line).map((field) => field.trim());
    if (!token || !username || uid === undefined)
      throw new SyntaxError(`Cannot read the token file: line ${index + 1} must be token,user,uid[,"group1,group2"]`);
    tokens.set(token, {
      username,
      ...(uid ? { uid } : {}),
      groups: (groups ?? "")
        .split(",")
        .map((group) => group.trim())
        .filter((group) => group !== ""),
    });
  }
  return tokens;
}

/** Fields of one CSV line; a quoted one may hold commas and doubled quotes. */
function csvFields(line: string): readonly string[] {
  const fields: string[] = [];
  for (const match of line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))/g))
    fields.push(match[1] !== undefined ? match[1].replaceAll('""', '"') : (match[2] ?? ""));
  return fields;
}

/**
 * Asks each authenticator in turn.
 *
 * @returns undefined when the request carries no credentials at all
 * @throws StatusError Unauthorized for credentials that nobody knows
 */
export async function authenticate(
  authenticators: readonly Authenticator[],
  credentials: Credentials,
): Promise<UserInfo | undefined> {
  for (const authenticator of authenticators) {
    const user = await authenticator.authenticate(credentials);
    if (user) return { ...user, groups: [...new Set([...user.groups, authenticated])] };
  }
  if (credentials.headers["authorization"] !== undefined) throw StatusError.unauthorized();
  return undefined;
}
