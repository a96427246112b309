import type { UserInfo } from "../../core/client/transport.ts";
import { sha256 } from "../../core/platform/hash.ts";
import type { Authenticator } from "./authenticator.ts";

/** Bearer tokens that are known beforehand. Only digests are kept, so that finding one takes no time that tells about another. */
export function tokenFileAuthenticator(tokens: ReadonlyMap<string, UserInfo>): Authenticator {
  const users = new Map([...tokens].map(([token, user]): [string, UserInfo] => [sha256(token), user]));
  return {
    name: "token-file",
    async authenticateToken(token) {
      const user = users.get(sha256(token));
      return user && { user };
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
