/**
 * DER (X.690), as far as certificates need it: each function gives the bytes of one value.
 */
import { Buffer } from "node:buffer";

/** A value with its tag. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(content.length)]), content]);
}

/** SEQUENCE. */
export function sequence(...members: readonly Uint8Array[]): Buffer {
  return der(0x30, ...members);
}

/** SET of members that are in order already. */
export function set(...members: readonly Uint8Array[]): Buffer {
  return der(0x31, ...members);
}

/** A positive INTEGER, given as big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  // The first bit is the sign.
  return der(0x02, ...((digits[0] ?? 0) > 127 ? [Buffer.from([0])] : []), digits);
}

/** OBJECT IDENTIFIER of a dotted text. */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** BOOLEAN true; false is a default, which DER leaves out. */
export const yes: Uint8Array = der(0x01, Buffer.from([0xff]));

/** BIT STRING. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return der(0x03, Buffer.from([unusedBits]), bytes);
}

/** OCTET STRING. */
export function octetString(bytes: Uint8Array): Buffer {
  return der(0x04, bytes);
}

/** UTF8String. */
export function utf8String(text: string): Buffer {
  return der(0x0c, Buffer.from(text, "utf8"));
}

/** A point in time, whole seconds: UTCTime up to 2049, GeneralizedTime after that. @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5 */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, "");
  return Number(digits.slice(0, 4)) < 2050
    ? der(0x17, Buffer.from(digits.slice(2), "ascii"))
    : der(0x18, Buffer.from(digits, "ascii"));
}

/**
 * The values that stand one after the other in `bytes`, each with its tag.
 *
 * @throws RangeError when one is longer than what is there
 */
export function derMembers(bytes: Uint8Array): readonly { readonly whole: Uint8Array; readonly content: Uint8Array }[] {
  const members: { whole: Uint8Array; content: Uint8Array }[] = [];
  for (let start = 0; start < bytes.length; ) {
    const short = bytes[start + 1] ?? 0;
    // BER's values without a length, and lengths beyond any file, are no DER.
    if (short === 128 || short > 132) throw new RangeError("Cannot read DER: a value has no length");
    const lengthSize = short < 128 ? 0 : short - 128;
    const from = start + 2 + lengthSize;
    const length =
      lengthSize === 0 ? short : bytes.subarray(start + 2, from).reduce((sum, byte) => sum * 256 + byte, 0);
    if (from + length > bytes.length) throw new RangeError("Cannot read DER: a value is longer than what is there");
    members.push({ whole: bytes.subarray(start, from + length), content: bytes.subarray(from, from + length) });
    start = from + length;
  }
  return members;
}

function lengthBytes(length: number): readonly number[] {
  if (length < 128) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [128 + bytes.length, ...bytes];
}

function base128(value: number): readonly number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(128 + (rest % 128));
  return bytes;
}
