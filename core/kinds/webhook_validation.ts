import { dnsSubdomainError } from "../api/kind.ts";
import { validateLabelSelector } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkMatchConditions, checkRuleWithOperations } from "./admission_rule_validation.ts";
import {
  check,
  checkAll,
  checkOneOf,
  checkUnique,
  dns1035LabelError,
  type FieldErrors,
  portNumberError,
} from "./validators.ts";
import type { MutatingWebhook, WebhookClientConfig } from "./webhook.ts";

const reviewVersions = ["v1", "v1beta1"];
const sideEffects = ["None", "NoneOnDryRun"];
const urlForm = "; desired format: https://host[/path]";

/** What is wrong with the webhooks of a configuration. @see k8s.io/kubernetes/pkg/apis/admissionregistration/validation */
export function checkWebhooks(webhooks: readonly MutatingWebhook[] = []): FieldErrors {
  const name = (index: number) => `webhooks[${index}].name`;
  const seen = checkUnique(
    webhooks.map((webhook) => webhook.name),
    name,
  );
  return webhooks.flatMap((webhook, index) => [
    ...checkWebhook(webhook, `webhooks[${index}]`),
    ...checkReviewVersions(webhook.admissionReviewVersions ?? [], `webhooks[${index}].admissionReviewVersions`),
    ...seen.filter(({ field }) => field === name(index)),
  ]);
}

function checkWebhook(webhook: MutatingWebhook, field: string): FieldErrors {
  const { name = "", rules = [], timeoutSeconds, clientConfig = {} } = webhook;
  return [
    ...checkQualifiedName(`${field}.name`, name),
    ...rules.flatMap((rule, index) => checkRuleWithOperations(rule, `${field}.rules[${index}]`)),
    ...checkOneOf(`${field}.failurePolicy`, webhook.failurePolicy, ["Fail", "Ignore"]),
    ...checkOneOf(`${field}.matchPolicy`, webhook.matchPolicy, ["Equivalent", "Exact"]),
    ...checkSideEffects(`${field}.sideEffects`, webhook.sideEffects),
    ...(timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1)
      ? [
          fieldError.invalid(
            `${field}.timeoutSeconds`,
            timeoutSeconds,
            "the timeout value must be between 1 and 30 seconds",
          ),
        ]
      : []),
    ...validateLabelSelector(webhook.namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(webhook.objectSelector, `${field}.objectSelector`),
    ...checkOneOf(`${field}.reinvocationPolicy`, webhook.reinvocationPolicy, ["IfNeeded", "Never"]),
    ...checkClientConfig(clientConfig, `${field}.clientConfig`),
    ...checkMatchConditions(webhook.matchConditions ?? [], `${field}.matchConditions`),
  ];
}

function checkQualifiedName(field: string, name: string): FieldErrors {
  if (!name) return [fieldError.required(field)];
  const reason = dnsSubdomainError(name);
  if (reason !== undefined) return [fieldError.invalid(field, name, reason)];
  return name.split(".").length < 3
    ? [fieldError.invalid(field, name, "should be a domain with at least three segments separated by dots")]
    : [];
}

function checkSideEffects(field: string, value: string | undefined): FieldErrors {
  return value === undefined
    ? [fieldError.required(field, `must specify one of ${sideEffects.join(", ")}`)]
    : checkOneOf(field, value, sideEffects);
}

function checkReviewVersions(versions: readonly string[], field: string): FieldErrors {
  if (versions.length === 0) return [fieldError.required(field, `must specify one of ${reviewVersions.join(", ")}`)];
  const errors: FieldError[] = versions.flatMap((version, index) =>
    versions.indexOf(version) < index
      ? [fieldError.invalid(`${field}[${index}]`, version, "duplicate version")]
      : [...check(`${field}[${index}]`, version, dns1035LabelError(version))],
  );
  return versions.some((version) => reviewVersions.includes(version))
    ? errors
    : [...errors, fieldError.invalid(field, versions, `must include at least one of ${reviewVersions.join(", ")}`)];
}

/** What is wrong with how a webhook is to be reached. @see k8s.io/apiserver/pkg/util/webhook/validation.go */
export function checkClientConfig({ url, service }: WebhookClientConfig, field: string): FieldErrors {
  if ((url === undefined) === (service === undefined))
    return [fieldError.required(field, "exactly one of url or service is required")];
  if (url !== undefined) return checkUrl(url, `${field}.url`);
  return service ? checkService(service, `${field}.service`) : [];
}

const urlParts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

function checkUrl(url: string, field: string): FieldErrors {
  if (/[\u0000-\u001f\u007f]/.test(url)) {
    const reason = `parse ${JSON.stringify(url)}: net/url: invalid control character in URL`;
    return [fieldError.required(field, `url must be a valid URL: ${reason}${urlForm}`)];
  }
  const [, scheme = "", authority = "", , query = "", fragment = ""] = urlParts.exec(url) ?? [];
  const at = authority.lastIndexOf("@");
  const host = authority.slice(at + 1);
  if (scheme && host && !URL.canParse(url)) {
    const reason = `parse ${JSON.stringify(url)}: invalid URL`;
    return [fieldError.required(field, `url must be a valid URL: ${reason}${urlForm}`)];
  }
  const errors: FieldError[] = [];
  if (scheme.toLowerCase() !== "https")
    errors.push(fieldError.invalid(field, scheme.toLowerCase(), `'https' is the only allowed URL scheme${urlForm}`));
  if (!host) errors.push(fieldError.invalid(field, host, `host must be provided${urlForm}`));
  if (at >= 0)
    errors.push(fieldError.invalid(field, authority.slice(0, at), "user information is not permitted in the URL"));
  if (fragment) errors.push(fieldError.invalid(field, fragment, "fragments are not permitted in the URL"));
  if (query) errors.push(fieldError.invalid(field, query, "query parameters are not permitted in the URL"));
  return errors;
}

function checkService(
  { name, namespace, path, port = 443 }: NonNullable<WebhookClientConfig["service"]>,
  field: string,
): FieldErrors {
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${field}.name`, "service name is required"));
  if (!namespace) errors.push(fieldError.required(`${field}.namespace`, "service namespace is required"));
  const reason = portNumberError(port);
  if (reason !== undefined) errors.push(fieldError.invalid(`${field}.port`, port, `port is not valid: ${reason}`));
  return [...errors, ...checkUrlPath(path ?? "", `${field}.path`)];
}

function checkUrlPath(path: string, field: string): FieldErrors {
  if (path === "" || path === "/") return [];
  if (path === "//") return [fieldError.invalid(field, path, "segment[0] may not be empty")];
  const steps = path.slice(1).replace(/\/$/, "").split("/");
  return [
    ...(path.startsWith("/") ? [] : [fieldError.invalid(field, path, "must start with a '/'")]),
    ...steps.flatMap((step, index) => {
      const reason = step ? dnsSubdomainError(step) : undefined;
      if (!step) return [fieldError.invalid(field, path, `segment[${index}] may not be empty`)];
      return checkAll(field, path, reason === undefined ? [] : [`segment[${index}]: ${reason}`]);
    }),
  ];
}
