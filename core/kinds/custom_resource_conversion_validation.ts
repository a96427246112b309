import { dnsSubdomainError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { CustomResourceConversion, WebhookClientConfig } from "./custom_resource_definition.ts";
import { checkRequiredOneOf, dns1035LabelError, portNumberError } from "./validators.ts";

const reviewVersions = ["v1", "v1beta1"];

/** What may be wrong because it was before. */
export interface ConversionAllowances {
  /** Versions of ConversionReview that nobody speaks. */
  readonly unknownReviewVersions: boolean;
  /** Certificates that cannot be read. */
  readonly invalidCaBundle: boolean;
}

/** What is wrong with how objects are converted. */
export function checkConversion(
  { strategy, webhook }: CustomResourceConversion,
  path: string,
  allow: ConversionAllowances,
): readonly FieldError[] {
  const errors: FieldError[] = [...checkRequiredOneOf(`${path}.strategy`, strategy, ["None", "Webhook"])];
  const { clientConfig, conversionReviewVersions = [] } = webhook ?? {};
  const configField = `${path}.webhookClientConfig`;
  const versionsField = `${path}.conversionReviewVersions`;
  if (strategy !== "Webhook") {
    const detail = "should not be set when strategy is not set to Webhook";
    if (clientConfig) errors.push(fieldError.forbidden(configField, detail));
    if (conversionReviewVersions.length > 0) errors.push(fieldError.forbidden(versionsField, detail));
    return errors;
  }
  if (clientConfig) errors.push(...checkClientConfig(clientConfig, configField, allow.invalidCaBundle));
  else errors.push(fieldError.required(configField, "required when strategy is set to Webhook"));
  errors.push(...checkReviewVersions(conversionReviewVersions, versionsField, allow.unknownReviewVersions));
  return errors;
}

function checkClientConfig(
  { url, service, caBundle }: WebhookClientConfig,
  path: string,
  allowInvalidCaBundle: boolean,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if ((url === undefined) === (service === undefined))
    errors.push(fieldError.required(path, "exactly one of url or service is required"));
  else if (url !== undefined) errors.push(...checkWebhookUrl(url, `${path}.url`));
  else if (service) errors.push(...checkWebhookService(service, `${path}.service`));
  if (caBundle && !allowInvalidCaBundle && !isPem(caBundle)) {
    const detail = "unable to load root certificates: unable to parse bytes as PEM block";
    errors.push(fieldError.invalid(`${path}.caBundle`, caBundle, detail));
  }
  return errors;
}

/** Whether bytes in base64 are PEM. */
export function isPem(base64: string): boolean {
  try {
    return /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(atob(base64));
  } catch {
    return false;
  }
}

const form = "; desired format: https://host[/path]";

/** What is wrong with the URL of a webhook. @see k8s.io/apiserver/pkg/util/webhook, ValidateWebhookURL */
function checkWebhookUrl(text: string, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const invalid = (value: string, detail: string) => errors.push(fieldError.invalid(field, value, detail));
  const [, scheme = "", authority = ""] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?/.exec(text) ?? [];
  if (/[\x00-\x1f\x7f]/.test(text) || (scheme !== "" && authority !== "" && !URL.canParse(text)))
    return [fieldError.required(field, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URL${form}`)];
  if (scheme.toLowerCase() !== "https") invalid(scheme, `'https' is the only allowed URL scheme${form}`);
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (host === "") invalid("", `host must be provided${form}`);
  if (authority.includes("@"))
    invalid(authority.slice(0, authority.lastIndexOf("@")), "user information is not permitted in the URL");
  const hash = text.indexOf("#");
  if (hash >= 0 && hash < text.length - 1) invalid(text.slice(hash + 1), "fragments are not permitted in the URL");
  const query = (hash < 0 ? text : text.slice(0, hash)).indexOf("?");
  if (query >= 0 && text.slice(query + 1) !== "")
    invalid(text.slice(query + 1, hash < 0 ? undefined : hash), "query parameters are not permitted in the URL");
  return errors;
}

/** What is wrong with the service of a webhook. */
function checkWebhookService(
  { name, namespace, path, port = 443 }: NonNullable<WebhookClientConfig["service"]>,
  field: string,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${field}.name`, "service name is required"));
  if (!namespace) errors.push(fieldError.required(`${field}.namespace`, "service namespace is required"));
  const reason = portNumberError(port);
  if (reason !== undefined) errors.push(fieldError.invalid(`${field}.port`, port, `port is not valid: ${reason}`));
  if (path === undefined || path === "" || path === "/") return errors;
  const invalid = (detail: string) => errors.push(fieldError.invalid(`${field}.path`, path, detail));
  if (path === "//") {
    invalid("segment[0] may not be empty");
    return errors;
  }
  if (!path.startsWith("/")) invalid("must start with a '/'");
  for (const [index, segment] of path.slice(1).replace(/\/$/, "").split("/").entries()) {
    const problem = segment === "" ? " may not be empty" : dnsSubdomainError(segment);
    if (problem !== undefined)
      invalid(segment === "" ? `segment[${index}] may not be empty` : `segment[${index}]: ${problem}`);
  }
  return errors;
}

function checkReviewVersions(versions: readonly string[], field: string, allowUnknown: boolean): readonly FieldError[] {
  if (versions.length === 0) return [fieldError.required(field)];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  versions.forEach((version, index) => {
    const reason = seen.has(version) ? "duplicate version" : dns1035LabelError(version);
    if (reason !== undefined) errors.push(fieldError.invalid(`${field}[${index}]`, version, reason));
    seen.add(version);
  });
  if (!allowUnknown && !versions.some((version) => reviewVersions.includes(version)))
    errors.push(fieldError.invalid(field, versions, `must include at least one of ${reviewVersions.join(", ")}`));
  return errors;
}

/** Whether a definition names only versions of ConversionReview that nobody speaks. */
export function hasUnknownReviewVersions({ webhook }: CustomResourceConversion): boolean {
  const versions = webhook?.conversionReviewVersions ?? [];
  return versions.length > 0 && !versions.some((version) => reviewVersions.includes(version));
}
