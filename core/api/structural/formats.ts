/**
 * The formats of strings in custom resources' schemas.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
 */
import { parseAddress, parseRange } from "../ip_address.ts";
import { dnsLabelError, dnsSubdomainError } from "../kind.ts";

/** Longest text that is looked at closely. */
const maxLength = 4096;

const uuid = (version: string, variant: string) =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, "i");
const anyUuid = uuid("[0-9a-f]", "[0-9a-f]");
const uuid3 = uuid("3", "[0-9a-f]");
const uuid4 = uuid("4", "[89ab]");
const uuid5 = uuid("5", "[89ab]");
const hexColor = /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/;
const rgbByte = "(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])";
const rgbColor = new RegExp(`^rgb\\(\\s*${rgbByte}\\s*,\\s*${rgbByte}\\s*,\\s*${rgbByte}\\s*\\)$`);
const ssn = /^\d{3}[- ]?\d{2}[- ]?\d{4}$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
const cards =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/;
const mac = /^([0-9a-fA-F]{2}[:-]){5,19}[0-9a-fA-F]{2}$|^([0-9a-fA-F]{4}\.){2,9}[0-9a-fA-F]{4}$/;
const hostLabel = /^[a-zA-Z0-9\p{S}\p{L}](?:[-a-zA-Z0-9\p{S}\p{L}]*[a-zA-Z0-9\p{S}\p{L}])?$/u;
const topLabel = /^[a-zA-Z\p{L}]{2,63}$/u;
const dateTime = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const goDuration = /^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const scalaDuration =
  /^\d+\s*(?:ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)$/;

/** By name without dashes: go-openapi takes no notice of them. */
const formats: ReadonlyMap<string, (text: string) => boolean> = new Map<string, (text: string) => boolean>([
  ["bsonobjectid", (text) => /^[0-9a-fA-F]{24}$/.test(text)],
  ["uri", isRequestUri],
  ["email", isEmail],
  ["hostname", isHostname],
  ["ipv4", (text) => parseAddress(withoutZeros(text))?.length === 4],
  ["ipv6", (text) => text.includes(":") && parseAddress(text) !== undefined],
  ["cidr", (text) => parseRange(text.includes(":") ? text : withoutZeros(text)) !== undefined],
  ["mac", (text) => mac.test(text) && macBytes.has(text.replace(/[^0-9a-fA-F]/g, "").length / 2)],
  ["uuid", (text) => anyUuid.test(text)],
  ["uuid3", (text) => uuid3.test(text)],
  ["uuid4", (text) => uuid4.test(text)],
  ["uuid5", (text) => uuid5.test(text)],
  ["isbn", (text) => isIsbn10(text) || isIsbn13(text)],
  ["isbn10", isIsbn10],
  ["isbn13", isIsbn13],
  ["creditcard", isCreditCard],
  ["ssn", (text) => ssn.test(text)],
  ["hexcolor", (text) => hexColor.test(text)],
  ["rgbcolor", (text) => rgbColor.test(text)],
  ["byte", (text) => base64.test(text)],
  ["password", () => true],
  ["date", isDate],
  ["duration", (text) => goDuration.test(text) || text === "0" || scalaDuration.test(text)],
  ["datetime", isDateTime],
  ["k8sshortname", (text) => dnsLabelError(text) === undefined],
  ["k8slongname", (text) => dnsSubdomainError(text) === undefined],
]);

/** Whether a schema of a type may ask for the format; other formats say nothing. */
export function isKnownFormat(format: string, type: string | undefined): boolean {
  if (type === "integer") return format === "int32" || format === "int64";
  if (type === "number") return format === "float" || format === "double";
  return (type === undefined || type === "" || type === "string") && formats.has(format.replaceAll("-", ""));
}

/** Whether a text is of a format. */
export function hasFormat(format: string, text: string): boolean {
  const name = format.replaceAll("-", "");
  if (name === "password") return true;
  // Everything but encoded bytes is short.
  if (text.length > maxLength && name !== "byte") return false;
  return formats.get(name)?.(text) ?? true;
}

const macBytes: ReadonlySet<number> = new Set([6, 8, 20]);

function isRequestUri(text: string): boolean {
  if (/[\s\x00-\x1f\x7f]/.test(text)) return false;
  return text.startsWith("/") || (/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text) && URL.canParse(text));
}

function isEmail(text: string): boolean {
  const address = /^[^<>]*<([^<>]+)>$/.exec(text)?.[1] ?? text;
  const at = address.lastIndexOf("@");
  if (at <= 0 || at === address.length - 1) return false;
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const atom = /^[^\s\x00-\x1f\x7f()<>[\]:;@\\,."]+(\.[^\s\x00-\x1f\x7f()<>[\]:;@\\,."]+)*$/;
  return (atom.test(local) || /^"[^"\\\r\n]*"$/.test(local)) && (atom.test(domain) || /^\[[^[\]\\]+\]$/.test(domain));
}

function isHostname(text: string): boolean {
  if (new TextEncoder().encode(text).length > 255) return false;
  const labels = text.replace(/\.$/, "").split(".");
  if (!labels.every((label) => label.length <= 63 && hostLabel.test(label))) return false;
  return labels.length === 1 ? !text.endsWith(".") : topLabel.test(labels[labels.length - 1] ?? "");
}

/** Leading zeros are read as decimal, as Kubernetes does. */
function withoutZeros(text: string): string {
  return text.replace(/(^|\.)0+(?=\d)/g, "$1");
}

function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  return isDay(Number(year), Number(month), Number(day));
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  date.setUTCFullYear(year);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function isDateTime(text: string): boolean {
  const [, year, month, day, hour, minute, second] = dateTime.exec(text) ?? [];
  if (!isDay(Number(year), Number(month), Number(day))) return false;
  return Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, "");
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  const sum = [...digits].reduce((total, digit, at) => total + (at + 1) * (digit === "X" ? 10 : Number(digit)), 0);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, "");
  if (!/^\d{13}$/.test(digits)) return false;
  return [...digits].reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, "");
  if (!cards.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const value = at % 2 === 1 ? Number(digit) * 2 : Number(digit);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
