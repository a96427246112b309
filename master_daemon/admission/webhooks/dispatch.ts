import { asJson, jsonEqual } from "../../../core/api/json_object.ts";
import { jsonText } from "../../../core/api/json_text.ts";
import type { Kind } from "../../../core/api/kind.ts";
import type { Json, JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { applyJsonPatch } from "../../../core/api/patch/mod.ts";
import type { ApiSchema } from "../../../core/api/schema.ts";
import { StatusError } from "../../../core/api/status.ts";
import type { MutatingWebhook, ValidatingWebhook } from "../../../core/kinds/webhook.ts";
import type { Logger } from "../../../core/util/log.ts";
import type { Authorizer } from "../../authorization/authorizer.ts";
import type { Registries } from "../../registry/registry.ts";
import { matchedKind } from "../_matching.ts";
import { readPatched, typedObject } from "../_patched.ts";
import { convertTo, shownAs } from "../_versions.ts";
import type { AdmissionRequest, MutatingRounds } from "../plugin.ts";
import type { WebhookCaller } from "./caller.ts";
import { denial, WebhookFailure } from "./failure.ts";
import type { Shown, Verdict } from "./review.ts";

/** A webhook with the name of the configuration that it stands in. */
export interface Configured<T> {
  readonly configuration: string;
  readonly webhook: T;
}

/** What asking webhooks takes. */
export interface WebhookServices {
  readonly registries: Registries;
  readonly caller: WebhookCaller;
  readonly schema: ApiSchema;
  readonly authorizer: Authorizer;
  readonly log: Logger;
}

const auditPrefix = {
  failedOpen: "failed-open.validating.webhook.admission.k8s.io/",
  mutatingFailedOpen: "failed-open.mutation.webhook.admission.k8s.io/",
  mutation: "mutation.webhook.admission.k8s.io/",
  patch: "patch.webhook.admission.k8s.io/",
};

/**
 * Asks every validating webhook that a request is about, at the same time. The first refusal, in their order, is the answer.
 *
 * @throws StatusError
 */
export async function dispatchValidating(
  hooks: readonly Configured<ValidatingWebhook>[],
  request: AdmissionRequest,
  services: WebhookServices,
): Promise<void> {
  const invocations: { readonly webhook: ValidatingWebhook; readonly shown: Shown }[] = [];
  for (const { webhook } of hooks) {
    const kind = await invocationOf(webhook, request, services);
    if (kind) invocations.push({ webhook, shown: await shownAs(kind, request) });
  }
  const outcomes = await Promise.all(
    invocations.map(async ({ webhook, shown }, index) => {
      try {
        const { allowed, result } = await ask(webhook, request, shown, { services, mutating: false });
        return allowed ? undefined : denial(webhook.name, result);
      } catch (error) {
        return failed(error, webhook, request, { services, key: `${auditPrefix.failedOpen}round_0_index_${index}` });
      }
    }),
  );
  const refused = outcomes.find((outcome) => outcome !== undefined);
  if (refused) throw refused;
}

/**
 * Asks the mutating webhooks that a request is about, one after the other, each with what those before it made.
 *
 * @returns the object as they want it
 * @throws StatusError
 */
export async function dispatchMutating(
  hooks: readonly Configured<MutatingWebhook>[],
  request: AdmissionRequest,
  rounds: MutatingRounds,
  services: WebhookServices,
): Promise<KubeObject | undefined> {
  let { object } = request;
  const reinvocations = rounds.reinvocations("MutatingAdmissionWebhook");
  reinvocations.begin(rounds.round, object);
  for (const [index, { configuration, webhook }] of hooks.entries()) {
    const uid = `${configuration}/${webhook.name}`;
    const current = { ...request, object };
    const kind = await invocationOf(webhook, current, services);
    // The second round is for those that were asked in the first.
    if (!kind || !reinvocations.isDue(uid, rounds.round)) continue;
    const place = `round_${rounds.round}_index_${index}`;
    const shown = await shownAs(kind, current);
    try {
      const { allowed, result, patch } = await ask(webhook, current, shown, { services, mutating: true });
      if (!allowed) throw denial(webhook.name, result);
      const patched =
        patch === undefined ? undefined : await applyPatch(webhook, shown, patch, { request: current, services });
      const mutated = patched !== undefined && !jsonEqual(asJson(patched), asJson(object));
      request.annotate(
        `${auditPrefix.mutation}${place}`,
        JSON.stringify({ configuration, webhook: webhook.name, mutated }),
      );
      if (patch !== undefined && mutated)
        request.annotate(
          `${auditPrefix.patch}${place}`,
          jsonText({ configuration, webhook: webhook.name, patch, patchType: "JSONPatch" }),
        );
      if (mutated) {
        object = patched;
        rounds.changed();
        reinvocations.changed();
      }
    } catch (error) {
      const refused = failed(error, webhook, request, { services, key: `${auditPrefix.mutatingFailedOpen}${place}` });
      if (refused) throw refused;
    }
    reinvocations.asked(uid, webhook.reinvocationPolicy);
  }
  reinvocations.end(object);
  return object;
}

async function invocationOf(
  webhook: ValidatingWebhook,
  request: AdmissionRequest,
  { registries, authorizer }: WebhookServices,
): Promise<Kind | undefined> {
  const { rules = [], matchPolicy, namespaceSelector, objectSelector, matchConditions = [] } = webhook;
  const matching = { rules, matchPolicy, namespaceSelector, objectSelector };
  const kind = await matchedKind(matching, request, registries);
  if (!kind || matchConditions.length === 0) return kind;
  // Expressions are loaded where there are any.
  const { conditionsHold } = await import("../policies/conditions.ts");
  const outcome = await conditionsHold(matchConditions, { request, shown: await shownAs(kind, request), authorizer });
  if ("holds" in outcome) return outcome.holds ? kind : undefined;
  if (webhook.failurePolicy === "Ignore") return undefined;
  throw StatusError.forbidden(request.kind, request.key.name, outcome.error);
}

async function ask(
  webhook: ValidatingWebhook,
  request: AdmissionRequest,
  shown: Shown,
  { services, mutating }: { readonly services: WebhookServices; readonly mutating: boolean },
): Promise<Verdict> {
  if (request.dryRun && webhook.sideEffects !== "None" && webhook.sideEffects !== "NoneOnDryRun")
    throw StatusError.badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
  const verdict = await services.caller.call(webhook, request, shown, { mutating });
  for (const [key, value] of verdict.auditAnnotations) request.annotate(`${webhook.name}/${key}`, value);
  for (const text of verdict.warnings) request.warn(text);
  return verdict;
}

/** What a failure means: nothing where the webhook may be ignored, else the error that the request ends with. */
function failed(
  error: unknown,
  { name, failurePolicy = "Fail" }: ValidatingWebhook,
  request: AdmissionRequest,
  { services, key }: { readonly services: WebhookServices; readonly key: string },
): StatusError | undefined {
  if (error instanceof StatusError) return error;
  if (!(error instanceof WebhookFailure)) throw error;
  services.log.warn("Cannot call an admission webhook", { webhook: name, failurePolicy, error: error.message });
  if (failurePolicy !== "Ignore") return StatusError.internal(error.message);
  request.annotate(key, name);
  return undefined;
}

async function applyPatch(
  webhook: MutatingWebhook,
  { kind, object }: Shown,
  patch: Json,
  { request, services }: { readonly request: AdmissionRequest; readonly services: WebhookServices },
): Promise<KubeObject | undefined> {
  if (Array.isArray(patch) && patch.length === 0) return undefined;
  if (!object)
    throw StatusError.internal(
      `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`,
    );
  let patched: JsonObject;
  try {
    patched = applyJsonPatch(typedObject(kind, object), patch);
  } catch (error) {
    if (error instanceof StatusError) throw StatusError.internal(error.message);
    throw error;
  }
  return convertTo(request.kind, kind, readPatched(kind, patched, services));
}
