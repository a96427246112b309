/** What a token of an identity provider says. */
export type Claims = Readonly<Record<string, unknown>>;

/** A claim of its own: not what every object has. */
export function claimOf(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** @throws Error unless the claim is there and has the value */
export function requireClaim(claims: Claims, name: string, value: string): void {
  const found = claimOf(claims, name);
  if (found === undefined) throw new Error(`oidc: required claim ${name} not present in ID token`);
  // The values of tokens are nobody's business: errors are logged, and told to whoever reviews the token.
  if (found !== value) throw new Error(`oidc: required claim ${name} value does not match`);
}

/** The user's name. @throws Error when the claim is none, or an address that was not verified */
export function usernameClaim(claims: Claims, name: string): string {
  const username = claimOf(claims, name);
  if (typeof username !== "string" || username === "")
    throw new Error(`oidc: parse username claims ${JSON.stringify(name)}: claim not present`);
  if (name === "email" && (claimOf(claims, "email_verified") ?? true) !== true)
    throw new Error(`oidc: email not verified: ${JSON.stringify(username)}`);
  return username;
}

/** Groups, of which one may be a text; none when the claim is not there. @throws Error for other values */
export function groupsClaim(claims: Claims, name: string, prefix: string): readonly string[] {
  const claimed = claimOf(claims, name) ?? [];
  const groups = typeof claimed === "string" ? [claimed] : claimed;
  if (!Array.isArray(groups) || groups.some((group) => typeof group !== "string"))
    throw new Error(`oidc: parse groups claim ${JSON.stringify(name)}: it must be a text or a list of texts`);
  return groups.map((group) => `${prefix}${String(group)}`);
}
