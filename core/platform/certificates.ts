import { createHash, type webcrypto, X509Certificate } from "node:crypto";
import type { Clock } from "../util/clock.ts";

/** A certificate with its private key, both PEM. The key is a secret: keep it in files of mode 0600, never log it. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

/** What a certificate is to say. */
export interface CertificateOptions {
  /** CN: the host, or the user name of a client. */
  readonly commonName: string;
  /** O: the groups of a client. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usage: "server" | "client";
  /** Default 365. */
  readonly validDays?: number;
  /** The clock that peers check validity with: the machine's own, unless nobody verifies. */
  readonly clock: Pick<Clock, "now">;
}

/** Options of {@linkcode createAuthority}. */
export interface AuthorityOptions {
  readonly commonName: string;
  /** Default 3650. */
  readonly validDays?: number;
  readonly clock: Pick<Clock, "now">;
}

const dayMs = 24 * 60 * 60 * 1000;
const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" } as const;

/** Makes a certificate authority (ECDSA P-256). */
export async function createAuthority({
  commonName,
  validDays = 3650,
  clock,
}: AuthorityOptions): Promise<CertificateAndKey> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [commonName] }],
      ...validity(clock, validDays),
      signingAlgorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
      ],
    },
    crypto,
  );
  return { certificate: pem(certificate.toString("pem")), key: await exportKey(keys.privateKey) };
}

/** Makes a key and a certificate for it, signed by `authority`. */
export async function issueCertificate(
  authority: CertificateAndKey,
  options: CertificateOptions,
): Promise<CertificateAndKey> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      issuer: issuer.subject,
      subject: subjectOf(options),
      ...validity(options.clock, options.validDays ?? 365),
      signingAlgorithm,
      publicKey: keys.publicKey,
      signingKey: await importKey(authority.key),
      extensions: [
        ...extensionsOf(x509, options),
        await x509.AuthorityKeyIdentifierExtension.create(issuer, false, crypto),
      ],
    },
    crypto,
  );
  return { certificate: pem(certificate.toString("pem")), key: await exportKey(keys.privateKey) };
}

/** Makes a key and a certificate that vouches for itself: peers must know its {@linkcode fingerprint}. */
export async function selfSigned(options: CertificateOptions): Promise<CertificateAndKey> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: subjectOf(options),
      ...validity(options.clock, options.validDays ?? 365),
      signingAlgorithm,
      keys,
      extensions: extensionsOf(x509, options),
    },
    crypto,
  );
  return { certificate: pem(certificate.toString("pem")), key: await exportKey(keys.privateKey) };
}

/** SHA-256 of a certificate (PEM or DER), as 64 lower-case hex digits. */
export function fingerprint(certificate: string | Uint8Array): string {
  const raw = typeof certificate === "string" ? new X509Certificate(certificate).raw : certificate;
  return createHash("sha256").update(raw).digest("hex");
}

/** What a certificate says about itself. */
export interface CertificateFacts {
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** Reads a PEM certificate. @throws Error when it is none */
export function describeCertificate(certificate: string): CertificateFacts {
  const parsed = new X509Certificate(certificate);
  const names = (parsed.subjectAltName ?? "").split(", ");
  const after = (prefix: string) =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return {
    commonName: /^CN=(.*)$/m.exec(parsed.subject)?.[1] ?? "",
    dnsNames: after("DNS:"),
    ipAddresses: after("IP Address:"),
    notAfter: Date.parse(parsed.validTo),
  };
}

/** Whether `certificate` was signed with the key of `authority` (both PEM). */
export function isIssuedBy(certificate: string, authority: string): boolean {
  return new X509Certificate(certificate).verify(new X509Certificate(authority).publicKey);
}

type X509 = typeof import("@peculiar/x509");

/** The library, loaded on use: it takes about 100 ms. Bundled, a CommonJS package stands whole under `default`. */
async function loadX509(): Promise<X509> {
  const loaded: X509 & { readonly default?: X509 } = await import("@peculiar/x509");
  return loaded.default ?? loaded;
}

function extensionsOf(x509: X509, { usage, dnsNames = [], ipAddresses = [] }: CertificateOptions) {
  const names = [
    ...dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...ipAddresses.map((value) => ({ type: "ip" as const, value })),
  ];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([
      usage === "server" ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
    ]),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
  ];
}

function subjectOf({ commonName, organizations = [] }: CertificateOptions): { [type: string]: string[] }[] {
  return [...organizations.map((name) => ({ O: [name] })), { CN: [commonName] }];
}

/** Valid from an hour ago, so that a peer whose clock is a little behind accepts it. Whole seconds: X.509 has no fractions. */
function validity(clock: Pick<Clock, "now">, days: number): { notBefore: Date; notAfter: Date } {
  const now = Math.floor(clock.now() / 1000) * 1000;
  return { notBefore: new Date(now - 60 * 60 * 1000), notAfter: new Date(now + days * dayMs) };
}

/** 16 random bytes as hex; the first bit is 0, since serial numbers are positive, the second 1, since they have no leading zeros. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}

function pem(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", key));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

function importKey(key: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(key.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
  return crypto.subtle.importKey("pkcs8", der, keyAlgorithm, false, ["sign"]);
}
