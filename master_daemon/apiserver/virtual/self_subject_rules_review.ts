import { asJson } from "../../../core/api/json_object.ts";
import { StatusError } from "../../../core/api/status.ts";
import { answerReview, readReview, textOf } from "./_review.ts";
import type { VirtualResource } from "./virtual_resource.ts";

/** Everything that whoever asks may do in a namespace. */
export const selfSubjectRulesReview: VirtualResource = {
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SelfSubjectRulesReview",
  plural: "selfsubjectrulesreviews",
  namespaced: false,
  schema: "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
  async serve(r) {
    const review = await readReview(r, selfSubjectRulesReview);
    const namespace = textOf(review.spec ?? {}, "namespace");
    if (namespace === "") throw StatusError.badRequest("no namespace on request");
    const rules = await r.services.authorizer.rulesFor?.(r.user, namespace);
    return answerReview(
      r,
      { ...review, spec: {} },
      asJson({
        resourceRules: rules?.resourceRules ?? [],
        nonResourceRules: rules?.pathRules ?? [],
        incomplete: rules?.incomplete ?? true,
        ...(rules?.error ? { evaluationError: rules.error } : {}),
      }),
    );
  },
};
