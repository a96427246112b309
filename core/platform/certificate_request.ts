import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { isIP } from "node:net";
import { derMembers } from "./der.ts";

/** What a request for a certificate (PKCS #10) says. Its signature was checked: whoever made it has the key. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  /** The subject's name as it stands there: DER. */
  readonly subject: Uint8Array;
  /** The names besides the subject as they stand there: DER of GeneralNames; undefined when there are none. */
  readonly subjectAltName: Uint8Array | undefined;
  /** SubjectPublicKeyInfo: DER. */
  readonly publicKey: Uint8Array;
}

/** Longer requests are not read. */
const maxBytes = 32 * 1024;
const block =
  /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----/;

const oid = {
  commonName: "550403",
  organization: "55040a",
  extensionRequest: "2a864886f70d01090e",
  subjectAltName: "551d11",
} as const;

/** Hash of each signature algorithm, by the hex of its identifier. */
const hashes: ReadonlyMap<string, string | null> = new Map([
  ["2a8648ce3d040302", "sha256"],
  ["2a8648ce3d040303", "sha384"],
  ["2a8648ce3d040304", "sha512"],
  ["2a864886f70d01010b", "sha256"],
  ["2a864886f70d01010c", "sha384"],
  ["2a864886f70d01010d", "sha512"],
  ["2b6570", null],
]);

/**
 * Reads a PEM request and checks its signature.
 *
 * @throws Error when it is none, or somebody else's key signed it
 * @see https://www.rfc-editor.org/rfc/rfc2986
 */
export function readCertificateRequest(pem: string): CertificateRequest {
  if (pem.length > maxBytes) throw new RangeError("Cannot read a certificate request: it is too long");
  const encoded = block.exec(pem)?.[1];
  if (encoded === undefined) throw new SyntaxError("PEM block type must be CERTIFICATE REQUEST");
  const [whole, ...rest] = derMembers(Buffer.from(encoded, "base64"));
  if (!whole || rest.length > 0) throw new SyntaxError("Cannot read a certificate request: it is no single value");
  const [info, algorithm, signature] = membersOf(whole, 0x30);
  const [, subject, keyInfo, attributes] = membersOf(info, 0x30);
  if (!info || !subject || !keyInfo) throw new SyntaxError("Cannot read a certificate request: something is missing");
  checkSignature(info.whole, algorithm, signature, keyInfo.whole);
  const names = namesIn(subject);
  const subjectAltName = attributes && altNameIn(attributes);
  return {
    commonName: names.filter(([id]) => id === oid.commonName).at(-1)?.[1] ?? "",
    organizations: names.filter(([id]) => id === oid.organization).map(([, value]) => value),
    ...generalNames(subjectAltName),
    subject: subject.whole,
    subjectAltName,
    publicKey: keyInfo.whole,
  };
}

type Member = ReturnType<typeof derMembers>[number];

/** The members of a value of this tag; none of one that is not there. @throws SyntaxError for another tag */
function membersOf(value: Member | undefined, tag: number): readonly Member[] {
  if (value === undefined) return [];
  if (value.whole[0] !== tag) throw new SyntaxError("Cannot read a certificate request: a value is of another kind");
  return derMembers(value.content);
}

function checkSignature(
  info: Uint8Array,
  algorithm: Member | undefined,
  signature: Member | undefined,
  keyInfo: Uint8Array,
): void {
  const [id] = membersOf(algorithm, 0x30);
  const hash = hashes.get(hex(id?.content));
  if (hash === undefined)
    throw new TypeError("Cannot check a certificate request: its signature algorithm is not known");
  const key: KeyObject = createPublicKey({ key: Buffer.from(keyInfo), format: "der", type: "spki" });
  // The first byte of a BIT STRING counts the bits that are not used.
  const bits = signature?.whole[0] === 0x03 && signature.content[0] === 0 ? signature.content.subarray(1) : undefined;
  if (!bits || !verify(hash, info, key, bits))
    throw new Error("Cannot take a certificate request: its signature is wrong");
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

/** Attributes of a name with their values, in order. */
function namesIn(name: Member): readonly (readonly [id: string, value: string])[] {
  return membersOf(name, 0x30).flatMap((set) =>
    membersOf(set, 0x31).map((pair) => {
      const [id, value] = membersOf(pair, 0x30);
      return [hex(id?.content), textOf(value)] as const;
    }),
  );
}

/** UTF8String, PrintableString, IA5String. */
const textTags = [0x0c, 0x13, 0x16];

/**
 * A name's text.
 *
 * @throws SyntaxError for encodings besides UTF-8 and ASCII: what is judged here must not be another name to others
 */
function textOf(value: Member | undefined): string {
  if (!value || !textTags.includes(value.whole[0] ?? 0))
    throw new SyntaxError("Cannot read a certificate request: a name is in an encoding that is not taken");
  return new TextDecoder("utf-8", { fatal: true }).decode(value.content);
}

/** The GeneralNames that a request asks for, as they stand there. */
function altNameIn(attributes: Member): Uint8Array | undefined {
  for (const attribute of membersOf(attributes, 0xa0)) {
    const [id, values] = membersOf(attribute, 0x30);
    if (hex(id?.content) !== oid.extensionRequest) continue;
    for (const list of membersOf(values, 0x31))
      for (const extension of membersOf(list, 0x30)) {
        const members = membersOf(extension, 0x30);
        if (hex(members[0]?.content) === oid.subjectAltName) return members.at(-1)?.content;
      }
  }
  return undefined;
}

type GeneralNames = Pick<CertificateRequest, "dnsNames" | "ipAddresses" | "emailAddresses" | "uris">;

function generalNames(encoded: Uint8Array | undefined): GeneralNames {
  const [list] = encoded ? derMembers(encoded) : [];
  const all = membersOf(list, 0x30);
  const texts = (tag: number) =>
    all.filter(({ whole }) => whole[0] === tag).map(({ content }) => Buffer.from(content).toString("latin1"));
  const addresses = all.filter(({ whole }) => whole[0] === 0x87).map(({ content }) => addressText(content));
  return { emailAddresses: texts(0x81), dnsNames: texts(0x82), uris: texts(0x86), ipAddresses: addresses };
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  ).join(":");
  if (bytes.length !== 16 || isIP(groups) !== 6)
    throw new SyntaxError("Cannot read a certificate request: an address has a wrong length");
  return groups;
}
