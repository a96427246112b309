/** Tokens by which new nodes join: what the secrets that hold them say. @see https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/ */
import type { Secret } from "./secret.ts";

/** Type of the secrets that hold these tokens. */
const bootstrapTokenType = "bootstrap.kubernetes.io/token";
/** Where such secrets are looked for. */
export const bootstrapTokenNamespace = "kube-system";
const namePrefix = "bootstrap-token-";

/** What a token may be used for. */
export type BootstrapTokenUsage = "authentication" | "signing";

/** A token: who has it writes `id.secret`. */
export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
}

/** Name of the secret that holds a token. */
export function bootstrapTokenName(id: string): string {
  return `${namePrefix}${id}`;
}

/** Whether a secret is one that tokens are looked for in. */
export function holdsBootstrapToken({ type, metadata }: Secret): boolean {
  return type === bootstrapTokenType && metadata.namespace === bootstrapTokenNamespace;
}

/** The token in a secret that may be used so now; undefined where there is none. */
export function bootstrapTokenOf(
  held: Secret,
  { usage, nowMs }: { readonly usage: BootstrapTokenUsage; readonly nowMs: number },
): BootstrapToken | undefined {
  if (!holdsBootstrapToken(held)) return undefined;
  const [id, secret] = [bootstrapTokenEntry(held, "token-id"), bootstrapTokenEntry(held, "token-secret")];
  const isNamed = id !== "" && held.metadata.name === bootstrapTokenName(id);
  const isAllowed = bootstrapTokenEntry(held, `usage-bootstrap-${usage}`) === "true";
  return isNamed && secret !== "" && isAllowed && bootstrapTokenExpiry(held) > nowMs ? { id, secret } : undefined;
}

/** When a token ends, in milliseconds since the epoch. What cannot be read has ended, lest a wrong date make it last for ever. */
export function bootstrapTokenExpiry(held: Secret): number {
  const expiration = bootstrapTokenEntry(held, "expiration");
  if (expiration === "") return Number.POSITIVE_INFINITY;
  const time = Date.parse(expiration);
  return Number.isNaN(time) ? Number.NEGATIVE_INFINITY : time;
}

/** What a secret says under a name; nothing is `""`. */
export function bootstrapTokenEntry({ data = {} }: Secret, name: string): string {
  return Object.hasOwn(data, name) ? atob(data[name] ?? "") : "";
}
