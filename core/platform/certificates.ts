import { Buffer } from "node:buffer";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
  X509Certificate,
} from "node:crypto";
import { promisify } from "node:util";
import type { Clock } from "../util/clock.ts";
import type { CertificateRequest } from "./certificate_request.ts";
import { extendedKeyUsages, keyUsageNumbers } from "./certificate_usages.ts";
import {
  bitString,
  der,
  derMembers,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
  yes,
} from "./der.ts";

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
const makeKeys = promisify(generateKeyPair);

/** Makes a certificate authority (ECDSA P-256). */
export async function createAuthority({
  commonName,
  validDays = 3650,
  clock,
}: AuthorityOptions): Promise<CertificateAndKey> {
  const { publicKey, privateKey } = await makeKeys("ec", { namedCurve: "P-256" });
  const subject = nameOf({ commonName });
  const certificate = signed({
    issuer: subject,
    subject,
    publicKey,
    signingKey: privateKey,
    validity: validity(clock, validDays),
    extensions: [
      extension(oid.basicConstraints, sequence(yes), { critical: true }),
      extension(oid.keyUsage, keyUsage.authority, { critical: true }),
      extension(oid.subjectKeyIdentifier, octetString(keyIdentifier(publicKey))),
    ],
  });
  return { certificate, key: pemOf(privateKey) };
}

/** Makes a key and a certificate for it, signed by `authority`. */
export async function issueCertificate(
  authority: CertificateAndKey,
  options: CertificateOptions,
): Promise<CertificateAndKey> {
  const issuer = new X509Certificate(authority.certificate);
  const { publicKey, privateKey } = await makeKeys("ec", { namedCurve: "P-256" });
  const certificate = signed({
    issuer: subjectOf(issuer),
    subject: nameOf(options),
    publicKey,
    signingKey: authority.key,
    validity: validity(options.clock, options.validDays ?? 365),
    extensions: [
      ...extensionsOf(options),
      extension(oid.authorityKeyIdentifier, sequence(der(0x80, keyIdentifier(issuer.publicKey)))),
    ],
  });
  return { certificate, key: pemOf(privateKey) };
}

/** Makes a key and a certificate that vouches for itself: peers must know its {@linkcode fingerprint}. */
export async function selfSigned(options: CertificateOptions): Promise<CertificateAndKey> {
  const { publicKey, privateKey } = await makeKeys("ec", { namedCurve: "P-256" });
  const subject = nameOf(options);
  const certificate = signed({
    issuer: subject,
    subject,
    publicKey,
    signingKey: privateKey,
    validity: validity(options.clock, options.validDays ?? 365),
    extensions: extensionsOf(options),
  });
  return { certificate, key: pemOf(privateKey) };
}

/** How a certificate that was asked for is written. */
export interface SigningOptions {
  /** Kubernetes' names of usages. */
  readonly usages: readonly string[];
  readonly validSeconds: number;
  readonly clock: Pick<Clock, "now">;
}

/** Milliseconds before now from which a certificate is valid: clocks differ. */
const backdateMs = 5 * 60 * 1000;
/** Seconds below which a certificate lasts as long as was asked for, from now on; a longer one counts its time before now. */
const shortSeconds = 8 * 3600;

/** Writes the certificate that a request asks for, signed by `authority`, and no longer valid than that is. */
export function signCertificateRequest(
  authority: CertificateAndKey,
  request: Pick<CertificateRequest, "subject" | "publicKey" | "subjectAltName">,
  { usages, validSeconds, clock }: SigningOptions,
): string {
  const issuer = new X509Certificate(authority.certificate);
  const now = Math.floor(clock.now() / 1000) * 1000;
  const notBefore = now - backdateMs;
  const notAfter = (validSeconds < shortSeconds ? now : notBefore) + validSeconds * 1000;
  const bits = keyUsageNumbers(usages);
  const extended = extendedKeyUsages(usages).map(objectIdentifier);
  const { subjectAltName } = request;
  return signed({
    issuer: subjectOf(issuer),
    subject: request.subject,
    publicKey: createPublicKey({ key: Buffer.from(request.publicKey), format: "der", type: "spki" }),
    signingKey: authority.key,
    validity: [notBefore, Math.min(notAfter, Date.parse(issuer.validTo))],
    extensions: [
      ...(bits.length > 0 ? [extension(oid.keyUsage, bitsOf(bits), { critical: true })] : []),
      ...(extended.length > 0 ? [extension(oid.extendedKeyUsage, sequence(...extended))] : []),
      extension(oid.basicConstraints, sequence(), { critical: true }),
      extension(oid.authorityKeyIdentifier, sequence(der(0x80, keyIdentifier(issuer.publicKey)))),
      ...(subjectAltName ? [extension(oid.subjectAltName, subjectAltName)] : []),
    ],
  });
}

/** A BIT STRING in which these bits are set; trailing zeros are left out. */
function bitsOf(numbers: readonly number[]): Buffer {
  const last = Math.max(...numbers);
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const number of numbers) bytes[number >> 3] = (bytes[number >> 3] ?? 0) | (0x80 >> (number & 7));
  return bitString(bytes, 7 - (last & 7));
}

/** SHA-256 of a certificate (PEM or DER), as 64 lower-case hex digits. */
export function fingerprint(certificate: string | Uint8Array): string {
  const raw = typeof certificate === "string" ? new X509Certificate(certificate).raw : certificate;
  return createHash("sha256").update(raw).digest("hex");
}

/** The certificates of a PEM file, one by one. */
export function splitCertificates(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
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

/** Whether a private key is that of a certificate (both PEM). @throws Error when one of them is none */
export function certificateFitsKey(certificate: string, key: string): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}

/** Whether `certificate` was signed with the key of `authority` (both PEM). */
export function isIssuedBy(certificate: string, authority: string): boolean {
  return new X509Certificate(certificate).verify(new X509Certificate(authority).publicKey);
}

/** Names of what certificates are made of. @see https://www.rfc-editor.org/rfc/rfc5280 */
const oid = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

const keyUsage = {
  /** digitalSignature, keyCertSign, cRLSign. */
  authority: bitString(Buffer.from([0b1000_0110]), 1),
  /** digitalSignature. */
  peer: bitString(Buffer.from([0b1000_0000]), 7),
} as const;

/** The certificate as PEM. Written here, byte by byte: the usual library takes longer to load than a cluster to start. */
function signed({
  issuer,
  subject,
  publicKey,
  signingKey,
  validity: [notBefore, notAfter],
  extensions,
}: {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: KeyObject;
  readonly signingKey: KeyObject | string;
  readonly validity: readonly [notBefore: number, notAfter: number];
  readonly extensions: readonly Uint8Array[];
}): string {
  const algorithm = sequence(objectIdentifier(oid.ecdsaWithSha256));
  const version3 = der(0xa0, integer(Buffer.from([2])));
  const content = sequence(
    version3,
    integer(serialNumber()),
    algorithm,
    issuer,
    sequence(time(notBefore), time(notAfter)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const lines = sequence(content, algorithm, bitString(sign("sha256", content, signingKey)))
    .toString("base64")
    .match(/.{1,64}/g);
  return `-----BEGIN CERTIFICATE-----\n${lines?.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function extensionsOf({ usage, dnsNames = [], ipAddresses = [] }: CertificateOptions): readonly Uint8Array[] {
  const names = [
    ...dnsNames.map((name) => der(0x82, Buffer.from(name, "ascii"))),
    ...ipAddresses.map((address) => der(0x87, addressBytes(address))),
  ];
  return [
    extension(oid.basicConstraints, sequence(), { critical: true }),
    extension(oid.keyUsage, keyUsage.peer, { critical: true }),
    extension(oid.extendedKeyUsage, sequence(objectIdentifier(usage === "server" ? oid.serverAuth : oid.clientAuth))),
    ...(names.length > 0 ? [extension(oid.subjectAltName, sequence(...names))] : []),
  ];
}

function extension(id: string, value: Uint8Array, { critical = false }: { readonly critical?: boolean } = {}): Buffer {
  return sequence(objectIdentifier(id), ...(critical ? [yes] : []), octetString(value));
}

function nameOf({ commonName, organizations = [] }: Pick<CertificateOptions, "commonName" | "organizations">): Buffer {
  const part = (id: string, text: string) => set(sequence(objectIdentifier(id), utf8String(text)));
  return sequence(...organizations.map((name) => part(oid.organization, name)), part(oid.commonName, commonName));
}

/** The subject as it stands in the certificate: peers compare an issuer with it byte for byte. */
function subjectOf({ raw }: X509Certificate): Uint8Array {
  const [certificate] = derMembers(raw);
  const [content] = derMembers(certificate?.content ?? raw);
  const [, , , , , subject] = derMembers(content?.content ?? raw);
  if (!subject) throw new TypeError("Cannot issue a certificate: the authority's has no subject");
  return subject.whole;
}

/** SHA-1 of the key's bits. @see https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.2 */
function keyIdentifier(key: KeyObject): Buffer {
  const [info] = derMembers(key.export({ type: "spki", format: "der" }));
  const [, bits] = derMembers(info?.content ?? Buffer.alloc(0));
  return createHash("sha1")
    .update(bits?.content.subarray(1) ?? Buffer.alloc(0))
    .digest();
}

/** Valid from an hour ago, so that a peer whose clock is a little behind accepts it. Whole seconds: X.509 has no fractions. */
function validity(clock: Pick<Clock, "now">, days: number): readonly [notBefore: number, notAfter: number] {
  const now = Math.floor(clock.now() / 1000) * 1000;
  return [now - 60 * 60 * 1000, now + days * dayMs];
}

/** 16 random bytes; the second bit is 1, since serial numbers have no leading zeros. */
function serialNumber(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

/** 4 bytes of an IPv4 address, 16 of an IPv6 one. */
function addressBytes(address: string): Buffer {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  // As URLs write it, every group is hexadecimal and at most one run of zeros is left out.
  const [head = [], tail = []] = new URL(`http://[${address}]`).hostname
    .slice(1, -1)
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return Buffer.from([...head, ...zeros, ...tail].map((group) => group.padStart(4, "0")).join(""), "hex");
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
