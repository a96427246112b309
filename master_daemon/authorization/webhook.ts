import { isJsonObject } from "../../core/api/json_object.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import type { KubeconfigWebhook } from "../../core/client/kubeconfig_webhook.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import { sha256 } from "../../core/platform/hash.ts";
import type { Clock } from "../../core/util/clock.ts";
import { ExpiringCache } from "../../core/util/expiring_cache.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { accessReviewSpec } from "./access_review.ts";
import { type Attributes, type Authorizer, type Decision, noRules } from "./authorizer.ts";
import type { WebhookConfiguration } from "./configuration.ts";
import type { MatchConditions } from "./match_conditions.ts";

/** Options of {@linkcode webhookAuthorizer}. */
export interface WebhookAuthorizerOptions
  extends Pick<
    WebhookConfiguration,
    "authorizedTtlMs" | "unauthorizedTtlMs" | "subjectAccessReviewVersion" | "failurePolicy"
  > {
  readonly webhook: KubeconfigWebhook;
  /** Which requests it is asked about. Absent: all. */
  readonly conditions?: MatchConditions | undefined;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Logger;
}

const maxRemembered = 8192;
/** Questions with longer attributes are not remembered: whoever asks could fill the memory with them. */
const maxRememberedLength = 10_000;

/**
 * Has a server outside decide: `--authorization-mode=Webhook`.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/webhook/
 */
export function webhookAuthorizer(options: WebhookAuthorizerOptions): Authorizer {
  const { webhook, conditions, clock, log, failurePolicy } = options;
  const remembered = new ExpiringCache<JsonObject>({ maxEntries: maxRemembered, clock });
  const onError = (error: string): Decision =>
    failurePolicy === "Deny" ? { allowed: false, denied: true, error } : { allowed: false, error };

  async function statusOf(spec: JsonObject): Promise<JsonObject> {
    const text = JSON.stringify(spec);
    const key = sha256(text);
    const known = remembered.get(key);
    if (known) return known;
    const answer = await webhook.post(reviewOf(spec, options.subjectAccessReviewVersion));
    const status = answer?.["status"];
    const decided = status !== undefined && isJsonObject(status) ? status : {};
    const ttlMs = decided["allowed"] === true ? options.authorizedTtlMs : options.unauthorizedTtlMs;
    if (text.length < maxRememberedLength) remembered.set(key, decided, ttlMs);
    return decided;
  }

  return {
    async authorize(user: UserInfo, attributes: Attributes): Promise<Decision> {
      const spec = accessReviewSpec(user, attributes);
      const outcome = conditions?.(spec) ?? { holds: true };
      if ("error" in outcome) return onError(outcome.error);
      if (!outcome.holds) return { allowed: false };
      try {
        return decisionOf(await statusOf(spec));
      } catch (error) {
        log.error("Cannot ask the authorization webhook", { error: errorMessage(error) });
        return onError(errorMessage(error));
      }
    },
    rulesFor: async () => ({
      ...noRules,
      incomplete: true,
      error: "webhook authorizer does not support user rule resolution",
    }),
  };
}

/** The review that is sent. The older version spells one member otherwise, and knows no selectors. */
function reviewOf(spec: JsonObject, version: "v1" | "v1beta1"): JsonObject {
  const review = { kind: "SubjectAccessReview", apiVersion: `authorization.k8s.io/${version}`, metadata: {} };
  if (version === "v1") return { ...review, spec };
  const { groups, resourceAttributes, ...rest } = spec;
  const attributes = resourceAttributes !== undefined && isJsonObject(resourceAttributes) ? resourceAttributes : {};
  const { fieldSelector: _field, labelSelector: _label, ...plain } = attributes;
  return {
    ...review,
    spec: {
      ...rest,
      ...(resourceAttributes === undefined ? {} : { resourceAttributes: plain }),
      ...(groups === undefined ? {} : { group: groups }),
    },
  };
}

function decisionOf({ allowed, denied, reason }: JsonObject): Decision {
  const why = typeof reason === "string" && reason !== "" ? { reason } : {};
  if (denied === true && allowed === true)
    return {
      allowed: false,
      denied: true,
      ...why,
      error: "webhook subject access review returned both allow and deny response",
    };
  if (denied === true) return { allowed: false, denied: true, ...why };
  return { allowed: allowed === true, ...why };
}
