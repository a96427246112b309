import { dnsSubdomainError } from "../api/kind.ts";
import type { WindowsOptions } from "./pod.ts";
import { check, checkAll, type FieldErrors } from "./validators.ts";

const maxSpecKiB = 64;
const maxDomainLength = 256;
const maxUserLength = 104;
const netBiosName = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const domainName = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

/** What is wrong with whom containers run as on Windows. @see k8s.io/kubernetes/pkg/apis/core/validation, validateWindowsSecurityContextOptions */
export function checkWindowsOptions(options: WindowsOptions | undefined, field: string): FieldErrors {
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options ?? {};
  return [
    ...(name === undefined ? [] : check(`${field}.gmsaCredentialSpecName`, name, dnsSubdomainError(name))),
    ...(spec === undefined ? [] : check(`${field}.gmsaCredentialSpec`, spec, credentialSpecError(spec))),
    ...(user === undefined ? [] : checkAll(`${field}.runAsUserName`, user, userNameErrors(user))),
  ];
}

function credentialSpecError(spec: string): string | undefined {
  if (spec === "") return "gmsaCredentialSpec cannot be an empty string";
  return spec.length > maxSpecKiB * 1024 ? `gmsaCredentialSpec size must be under ${maxSpecKiB} KiB` : undefined;
}

/** A user, or `DOMAIN\\user`. */
function userNameErrors(name: string): string[] {
  if (name === "") return ["runAsUserName cannot be an empty string"];
  if (/[\x00-\x1f\x7f]/.test(name)) return ["runAsUserName cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const user = parts.at(-1) ?? "";
  return [...(parts.length === 2 ? domainErrors(parts[0] ?? "") : []), ...userErrors(user)];
}

function domainErrors(domain: string): string[] {
  if (domain.length >= maxDomainLength)
    return [
      `runAsUserName's Domain length must be under ${maxDomainLength} characters`,
      ...(domainName.test(domain.slice(0, 4096)) ? [] : [domainFormat]),
    ];
  return netBiosName.test(domain) || domainName.test(domain) ? [] : [domainFormat];
}

const domainFormat = "runAsUserName's Domain doesn't match the NetBios nor the DNS format";

function userErrors(user: string): string[] {
  const errors: string[] = [];
  if (user === "") errors.push("runAsUserName's User cannot be empty");
  else if (user.length > maxUserLength)
    errors.push(`runAsUserName's User length must not be longer than ${maxUserLength} characters`);
  if (/^[. ]+$/.test(user)) errors.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user))
    errors.push(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  return errors;
}
