import { dnsLabelError, dnsSubdomainError, type ValidationContext } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { CertificateCondition, CertificateSigningRequest } from "./certificate_signing_request.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { checkOneOf, checkUnique, type FieldErrors } from "./validators.ts";

const usages: readonly string[] = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];
const legacySigner = "kubernetes.io/legacy-unknown";
const minExpirationSeconds = 600;
const maxDomain = 253;
const maxSignerName = 571;
/** Conditions that are never taken back: they are there, and true, or not. */
const decisions = ["Approved", "Denied", "Failed"];

/** What is wrong with a request for a certificate. @see k8s.io/kubernetes/pkg/apis/certificates/validation */
export function checkCertificateRequest({ spec, status = {} }: CertificateSigningRequest): FieldErrors {
  const { request = "", usages: asked = [], signerName = "", expirationSeconds } = spec ?? {};
  const errors: FieldError[] = [];
  if (pemTypes(request)[0] !== "CERTIFICATE REQUEST")
    errors.push(fieldError.invalid("spec.request", request, "PEM block type must be CERTIFICATE REQUEST"));
  if (asked.length === 0) errors.push(fieldError.required("spec.usages", "usages must be provided"));
  errors.push(...asked.flatMap((usage, index) => checkOneOf(`spec.usages[${index}]`, usage, usages)));
  errors.push(...checkUnique(asked, (index) => `spec.usages[${index}]`));
  if (signerName === legacySigner) {
    const detail = "the legacy signerName is not allowed via this API version";
    errors.push(fieldError.invalid("spec.signerName", signerName, detail));
  } else errors.push(...checkSignerName(signerName, "spec.signerName"));
  if (expirationSeconds !== undefined && expirationSeconds < minExpirationSeconds) {
    const detail = "may not specify a duration less than 600 seconds (10 minutes)";
    errors.push(fieldError.invalid("spec.expirationSeconds", expirationSeconds, detail));
  }
  return [...errors, ...checkConditions(status.conditions ?? [], "status.conditions")];
}

/** What is wrong with the name of a signer: `example.com/signer-name`. */
function checkSignerName(name: string, field: string): FieldErrors {
  if (!name) return [fieldError.required(field, "signerName must be provided")];
  const [domain = "", path = "", ...more] = name.split("/");
  if (!name.includes("/") || more.length > 0)
    return [
      fieldError.invalid(
        field,
        name,
        "must be a fully qualified domain and path of the form 'example.com/signer-name'",
      ),
    ];
  const labels = domain.split(".");
  return [
    ...(domain.length > maxDomain ? [fieldError.tooLong(field, maxDomain)] : []),
    ...checkFirstBadLabel(field, domain, labels, dnsLabelError),
    ...(labels.length < 2
      ? [fieldError.invalid(field, domain, "should be a domain with at least two segments separated by dots")]
      : []),
    ...checkFirstBadLabel(field, path, path.split("."), dnsSubdomainError),
    ...(name.length > maxSignerName ? [fieldError.tooLong(field, maxSignerName)] : []),
  ];
}

function checkFirstBadLabel(
  field: string,
  segment: string,
  labels: readonly string[],
  reasonOf: (label: string) => string | undefined,
): FieldErrors {
  const label = labels.find((candidate) => reasonOf(candidate) !== undefined);
  if (label === undefined) return [];
  return [fieldError.invalid(field, segment, `validating label ${JSON.stringify(label)}: ${reasonOf(label)}`)];
}

function checkConditions(conditions: readonly CertificateCondition[], field: string): FieldErrors {
  const seen = new Set<string>();
  return conditions.flatMap(({ type = "", status = "" }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = type ? [] : [fieldError.required(`${at}.type`)];
    const allowed = decisions.includes(type) ? ["True"] : ["False", "True", "Unknown"];
    if (!status) errors.push(fieldError.required(`${at}.status`));
    else errors.push(...checkOneOf(`${at}.status`, status, allowed));
    if ((type === "Approved" && seen.has("Denied")) || (type === "Denied" && seen.has("Approved")))
      errors.push(fieldError.invalid(`${at}.type`, type, "Approved and Denied conditions are mutually exclusive"));
    if (seen.has(type)) errors.push(fieldError.duplicate(`${at}.type`, type));
    seen.add(type);
    return errors;
  });
}

/** What may not change in a request: decisions are for `/approval`, certificates for `/status`, and neither is taken back. */
export function checkCertificateRequestUpdate(
  next: CertificateSigningRequest,
  previous: CertificateSigningRequest,
  subresource: ValidationContext["subresource"],
): FieldErrors {
  const errors: FieldError[] = [];
  const refuse = (what: string) => errors.push(fieldError.forbidden("status.conditions", `updates may not ${what}`));
  for (const type of decisions) {
    const [old, now] = [conditionsOf(previous, type), conditionsOf(next, type)];
    if (now.length < old.length) refuse(`remove a condition of type ${JSON.stringify(type)}`);
    else if (subresource === "approval" || type === "Failed") continue;
    else if (now.length > old.length) refuse(`add a condition of type ${JSON.stringify(type)}`);
    else if (!semanticEqual(now, old)) refuse(`modify a condition of type ${JSON.stringify(type)}`);
  }
  const [certificate = "", old = ""] = [next.status?.certificate, previous.status?.certificate];
  if (certificate !== old) {
    const forbid = (detail: string) => errors.push(fieldError.forbidden("status.certificate", detail));
    if (subresource !== "status") forbid("updates may not set certificate content");
    else if (old) forbid("updates may not modify existing certificate content");
    errors.push(...checkCertificate(certificate));
  }
  return subresource === undefined ? errors : [...checkCertificateRequest(next), ...errors];
}

function conditionsOf({ status }: CertificateSigningRequest, type: string): readonly CertificateCondition[] {
  return status?.conditions?.filter((condition) => condition.type === type) ?? [];
}

function checkCertificate(certificate: string): FieldErrors {
  if (!certificate) return [];
  const types = pemTypes(certificate);
  const other = types.find((type) => type !== "CERTIFICATE");
  const refuse = (detail: string) => [fieldError.invalid("status.certificate", "<certificate data>", detail)];
  if (other !== undefined) return refuse(`only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(other)}`);
  return types.length === 0 ? refuse("must contain at least one CERTIFICATE PEM block") : [];
}

/** The types of the PEM blocks in a base64 text. */
function pemTypes(base64: string): readonly string[] {
  // Whatever is no base64 is refused before, as a value of the wrong type.
  const text = atob(base64);
  return [...text.matchAll(/^-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n[A-Za-z0-9+/=\r\n\t ]*-----END \1-----/gm)].map(
    ([, type = ""]) => type,
  );
}
