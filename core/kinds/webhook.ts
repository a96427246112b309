/** What admission webhooks are configured with. @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/ */
import type { Column } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { KubeObject } from "../api/meta.ts";

/** Which resources a rule is about. `*` stands for all. */
export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  /** `pods`, `pods/log`, `pods/*`, `*`, `*\/scale`, `*\/*`. */
  readonly resources?: readonly string[];
  readonly scope?: "Cluster" | "Namespaced" | "*";
}

/** Which operations on which resources. */
export interface RuleWithOperations extends Rule {
  readonly operations?: readonly ("CREATE" | "UPDATE" | "DELETE" | "CONNECT" | "*")[];
}

/** A CEL expression that must hold for a request to be looked at. */
export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

/** How to reach a webhook: by URL or as a service. */
export interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    /** Default 443. */
    readonly port?: number;
  };
  /** Certificates that its certificate is checked against: PEM in base64. */
  readonly caBundle?: string;
}

/** One webhook that says whether a request may go on. */
export interface ValidatingWebhook {
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules?: readonly RuleWithOperations[];
  readonly failurePolicy?: "Ignore" | "Fail";
  readonly matchPolicy?: "Exact" | "Equivalent";
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly sideEffects?: "None" | "NoneOnDryRun";
  readonly timeoutSeconds?: number;
  readonly admissionReviewVersions?: readonly string[];
  readonly matchConditions?: readonly MatchCondition[];
}

/** One webhook that may change what is written. */
export interface MutatingWebhook extends ValidatingWebhook {
  readonly reinvocationPolicy?: "Never" | "IfNeeded";
}

/** Webhooks that count together. */
export interface WebhookConfiguration<T extends ValidatingWebhook> extends KubeObject {
  readonly webhooks?: readonly T[];
}

/** How many webhooks a configuration has. */
export const webhooksColumn: Column<WebhookConfiguration<ValidatingWebhook>> = {
  name: "Webhooks",
  type: "integer",
  description: "How many webhooks are configured.",
  cell: ({ webhooks = [] }) => webhooks.length,
};

/** A configuration with each of its webhooks changed by `change`. */
export function withEachWebhook<T extends ValidatingWebhook>(
  configuration: WebhookConfiguration<T>,
  change: (webhook: T) => T,
): WebhookConfiguration<T> {
  const { webhooks } = configuration;
  return webhooks ? { ...configuration, webhooks: webhooks.map(change) } : configuration;
}

/** A webhook with Kubernetes' defaults. */
export function withWebhookDefaults<T extends ValidatingWebhook>(webhook: T): T {
  const { rules, clientConfig } = webhook;
  return {
    ...webhook,
    failurePolicy: webhook.failurePolicy ?? "Fail",
    matchPolicy: webhook.matchPolicy ?? "Equivalent",
    namespaceSelector: webhook.namespaceSelector ?? {},
    objectSelector: webhook.objectSelector ?? {},
    timeoutSeconds: webhook.timeoutSeconds ?? 10,
    ...(rules ? { rules: rules.map(withScope) } : {}),
    ...(clientConfig?.service
      ? {
          clientConfig: {
            ...clientConfig,
            service: { ...clientConfig.service, port: clientConfig.service.port ?? 443 },
          },
        }
      : {}),
  };
}

/** A rule with its scope. */
export function withScope<T extends Rule>(rule: T): T {
  return { ...rule, scope: rule.scope ?? "*" };
}
