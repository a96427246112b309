import { fieldError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import {
  answerReview,
  decisionStatus,
  memberOf,
  questionOf,
  readReview,
  refuseInvalid,
  subjectOf,
  textOf,
} from "./_review.ts";
import type { VirtualRequest, VirtualResource } from "./virtual_resource.ts";

const common = { group: "authorization.k8s.io", version: "v1" } as const;

/** Whether somebody may do something. @see https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/ */
export const subjectAccessReview: VirtualResource = {
  ...common,
  kind: "SubjectAccessReview",
  plural: "subjectaccessreviews",
  namespaced: false,
  schema: "io.k8s.api.authorization.v1.SubjectAccessReview",
  serve: (r) => reviewSubject(r, subjectAccessReview),
};

/** The same in one namespace: whoever may ask there need not be trusted with the others. */
export const localSubjectAccessReview: VirtualResource = {
  ...common,
  kind: "LocalSubjectAccessReview",
  plural: "localsubjectaccessreviews",
  namespaced: true,
  schema: "io.k8s.api.authorization.v1.LocalSubjectAccessReview",
  serve: (r) => reviewSubject(r, localSubjectAccessReview),
};

/** Whether whoever asks may do something. */
export const selfSubjectAccessReview: VirtualResource = {
  ...common,
  kind: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
  namespaced: false,
  schema: "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
  async serve(r) {
    const review = await readReview(r, selfSubjectAccessReview);
    const { attributes, errors } = questionOf(review);
    refuseInvalid(selfSubjectAccessReview, errors);
    const decision = attributes ? await r.services.authorizer.authorize(r.user, attributes) : { allowed: false };
    return answerReview(r, review, decisionStatus(decision));
  },
};

async function reviewSubject(r: VirtualRequest, resource: VirtualResource): Promise<ApiResponse> {
  const review = await readReview(r, resource);
  const question = questionOf(review, resource.namespaced ? ["namespace"] : []);
  const { user, errors } = subjectOf(review);
  const local = resource.namespaced ? localErrors(review.spec ?? {}, r.route.namespace ?? "") : [];
  refuseInvalid(resource, [...question.errors, ...errors, ...local]);
  const { attributes } = question;
  const decision = attributes ? await r.services.authorizer.authorize(user, attributes) : { allowed: false };
  return answerReview(r, review, decisionStatus(decision));
}

function localErrors(spec: NonNullable<Parameters<typeof memberOf>[0]>, namespace: string) {
  const resource = memberOf(spec, "resourceAttributes");
  const path = memberOf(spec, "nonResourceAttributes");
  const own = resource ? textOf(resource, "namespace") : namespace;
  return [
    ...(own === namespace
      ? []
      : [fieldError.invalid("spec.resourceAttributes.namespace", own, "must match metadata.namespace")]),
    ...(path ? [fieldError.invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request")] : []),
  ];
}
