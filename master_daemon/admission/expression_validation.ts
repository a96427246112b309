import { jsonEqual } from "../../core/api/json_object.ts";
import { jsonText } from "../../core/api/json_text.ts";
import type { Json, KubeObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/** Kinds that carry expressions, and where a look tells whether an object has any. */
const marks: ReadonlyMap<string, string> = new Map([
  ["CustomResourceDefinition", '"x-kubernetes-validations"'],
  ["ValidatingAdmissionPolicy", "xpression"],
  ["MutatingAdmissionPolicy", "xpression"],
  ["ValidatingWebhookConfiguration", '"matchConditions"'],
  ["MutatingWebhookConfiguration", '"matchConditions"'],
  ["DeviceClass", '"cel"'],
  ["ResourceClaim", '"cel"'],
  ["ResourceClaimTemplate", '"cel"'],
]);

const groups = /^(apiextensions|admissionregistration|resource)\.k8s\.io$/;

/**
 * Refuses expressions that do not compile, as the validation of their kinds does in Kubernetes. It stands here because the
 * compiler is loaded with the first expression; what was stored before is not looked at again.
 */
export const expressionValidation: AdmissionPlugin = {
  name: "ExpressionValidation",
  operations: ["CREATE", "UPDATE"],
  async validate({ kind, key, object, previous, subresource }) {
    const mark = groups.test(kind.group) ? marks.get(kind.kind) : undefined;
    if (mark === undefined || !object || subresource !== undefined) return;
    if (isUnchanged(object, previous) || !jsonText(object).includes(mark)) return;
    const errors =
      kind.group === "resource.k8s.io"
        ? (await import("./policies/check_device_selectors.ts")).checkDeviceSelectors(object, kind.kind, previous)
        : (await import("./policies/check_expressions.ts")).checkExpressions(object, kind.kind, previous);
    if (errors.length > 0) throw StatusError.invalid(kind, key.name, errors);
  },
};

function isUnchanged(object: KubeObject, previous: KubeObject | undefined): boolean {
  if (!previous) return false;
  const partsOf = (one: KubeObject) => {
    const { spec = null, webhooks = null } = one as KubeObject & { readonly spec?: Json; readonly webhooks?: Json };
    return { spec, webhooks };
  };
  return jsonEqual(partsOf(object), partsOf(previous));
}
