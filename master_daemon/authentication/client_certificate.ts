import { type Authenticator, credentialIdKey } from "./authenticator.ts";

/** Options of {@linkcode certificateAuthenticator}. */
export interface CertificateAuthenticatorOptions {
  /** Fingerprints of the authorities whose certificates name users. Absent: of every one that the listener knows. */
  readonly authorities?: readonly string[] | undefined;
}

/**
 * User name and groups from the CN and O of a client certificate.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
 */
export function certificateAuthenticator({ authorities }: CertificateAuthenticatorOptions = {}): Authenticator {
  return {
    name: "client-certificate",
    async authenticate({ certificate }) {
      if (!certificate?.commonName) return undefined;
      const { commonName, organizations, fingerprint } = certificate;
      const isOurs = !authorities || (certificate.authorities ?? []).some((one) => authorities.includes(one));
      if (!isOurs) return undefined;
      const extra = fingerprint ? { extra: { [credentialIdKey]: [`X509SHA256=${fingerprint}`] } } : {};
      return { username: commonName, groups: organizations, ...extra };
    },
  };
}
