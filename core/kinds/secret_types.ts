import { fieldError } from "../api/status.ts";
import type { Secret } from "./secret.ts";
import type { FieldErrors } from "./validators.ts";

const accountAnnotation = "kubernetes.io/service-account.name";

/** Entries that a secret of a known type must have. */
const requiredKeys: ReadonlyMap<string, readonly string[]> = new Map([
  ["kubernetes.io/dockercfg", [".dockercfg"]],
  ["kubernetes.io/dockerconfigjson", [".dockerconfigjson"]],
  ["kubernetes.io/ssh-auth", ["ssh-privatekey"]],
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
  return (requiredKeys.get(type) ?? [])
    .filter((key) => !Object.hasOwn(data, key))
    .map((key) => fieldError.required(`data[${key}]`));
}
