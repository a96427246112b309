import { fieldError } from "../api/status.ts";
import { base64ToBytes } from "../util/base64.ts";
import type { Secret } from "./secret.ts";
import { check, type FieldErrors } from "./validators.ts";

const sshKey = "ssh-privatekey";
const decoder = new TextDecoder();
const accountAnnotation = "kubernetes.io/service-account.name";

/** Entries that a secret of a known type must have. */
const requiredKeys: ReadonlyMap<string, readonly string[]> = new Map([
  ["kubernetes.io/dockercfg", [".dockercfg"]],
  ["kubernetes.io/dockerconfigjson", [".dockerconfigjson"]],
  ["kubernetes.io/tls", ["tls.crt", "tls.key"]],
]);

/** What is missing from a secret of a known type. @see https://kubernetes.io/docs/concepts/configuration/secret/#secret-types */
export function checkSecretType({ type = "", data = {}, metadata }: Secret): FieldErrors {
  if (type === "kubernetes.io/service-account-token") {
    return metadata.annotations?.[accountAnnotation]
      ? []
      : [fieldError.required(`metadata.annotations[${accountAnnotation}]`)];
  }
  if (type === "kubernetes.io/basic-auth") {
    if (Object.hasOwn(data, "username") || Object.hasOwn(data, "password")) return [];
    return [fieldError.required("data[username]"), fieldError.required("data[password]")];
  }
  if (type === "kubernetes.io/ssh-auth") return data[sshKey] ? [] : [fieldError.required(`data[${sshKey}]`)];
  return (requiredKeys.get(type) ?? []).flatMap((key) => {
    const text = Object.hasOwn(data, key) ? data[key] : undefined;
    if (text === undefined) return [fieldError.required(`data[${key}]`)];
    const reason = key.startsWith(".docker") ? notAnObject(text) : undefined;
    return check(`data[${key}]`, "<secret contents redacted>", reason);
  });
}

/** A character as Go quotes it. */
function quoted(character: string): string {
  if (character === "'" || character === "\\") return `\\${character}`;
  return character < " " ? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}` : character;
}

/** Why bytes in base64 are no JSON object, as Go says it as far as that can be said in short. */
function notAnObject(base64: string): string | undefined {
  try {
    const text = decoder.decode(base64ToBytes(base64));
    const [start] = text.trimStart();
    if (start === undefined) return "unexpected end of JSON input";
    if (!/[[{"\-0-9tfn]/.test(start)) return `invalid character '${quoted(start)}' looking for beginning of value`;
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && !Array.isArray(value)) return undefined;
    const type = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    return `json: cannot unmarshal ${type} into Go value of type map[string]interface {}`;
  } catch {
    return "invalid JSON";
  }
}
