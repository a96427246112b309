import { type Authenticator, headerValues } from "./authenticator.ts";

/** Options of {@linkcode requestHeaderAuthenticator}, named as kube-apiserver's flags `--requestheader-…`. */
export interface RequestHeaderOptions {
  /** Fingerprints of the authorities that sign front proxies' certificates. */
  readonly authorities: readonly string[];
  /** Common names of front proxies; empty: any that the authority signed. */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  /** Empty: a proxy cannot say the user's uid. */
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeadersPrefixes: readonly string[];
}

/**
 * The user that a front proxy names in headers. Believed only when the proxy shows a certificate of its own authority.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy
 */
export function requestHeaderAuthenticator(options: RequestHeaderOptions): Authenticator {
  const lower = (names: readonly string[]) => names.map((name) => name.trim().toLowerCase());
  const { authorities, allowedNames } = options;
  const usernameHeaders = lower(options.usernameHeaders);
  const uidHeaders = lower(options.uidHeaders);
  const groupHeaders = lower(options.groupHeaders);
  const prefixes = lower(options.extraHeadersPrefixes);
  return {
    name: "request-header",
    async authenticate(credentials) {
      const { certificate, headers } = credentials;
      if (!certificate?.authorities?.some((one) => authorities.includes(one))) return undefined;
      if (allowedNames.length > 0 && !allowedNames.includes(certificate.commonName)) return undefined;
      const username = usernameHeaders.map((name) => headers[name]).find((value) => value);
      if (!username) return undefined;
      const uid = uidHeaders.map((name) => headers[name]).find((value) => value);
      const groups = groupHeaders.flatMap((name) => headerValues(credentials, name)).filter((value) => value !== "");
      const extra = new Map<string, readonly string[]>();
      for (const name of Object.keys(headers)) {
        const prefix = prefixes.find((one) => name.startsWith(one));
        if (prefix === undefined) continue;
        const key = unescapeKey(name.slice(prefix.length));
        extra.set(key, [...(extra.get(key) ?? []), ...headerValues(credentials, name)]);
      }
      return {
        username,
        ...(uid ? { uid } : {}),
        groups,
        ...(extra.size > 0 ? { extra: Object.fromEntries(extra) } : {}),
      };
    },
  };
}

/** Keys of extra information are escaped, since header names have few characters. What is badly escaped stands for itself. */
export function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
