import { type FieldError, fieldError } from "../api/status.ts";
import type { CustomResourceConversion } from "./custom_resource_definition.ts";
import { checkRequiredOneOf, dns1035LabelError } from "./validators.ts";
import { checkClientConfig } from "./webhook_validation.ts";

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
  if (clientConfig) {
    errors.push(...checkClientConfig(clientConfig, configField));
    if (!allow.invalidCaBundle) errors.push(...checkCaBundle(clientConfig.caBundle, `${configField}.caBundle`));
  } else errors.push(fieldError.required(configField, "required when strategy is set to Webhook"));
  errors.push(...checkReviewVersions(conversionReviewVersions, versionsField, allow.unknownReviewVersions));
  return errors;
}

function checkCaBundle(caBundle: string | undefined, field: string): readonly FieldError[] {
  if (!caBundle || isPem(caBundle)) return [];
  const detail = "unable to load root certificates: unable to parse bytes as PEM block";
  return [fieldError.invalid(field, caBundle, detail)];
}

/** Whether bytes in base64 are PEM. */
export function isPem(base64: string): boolean {
  try {
    return /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(atob(base64));
  } catch {
    return false;
  }
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
