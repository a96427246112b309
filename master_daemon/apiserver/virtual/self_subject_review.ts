import { answerReview, readReview, userInfoObject } from "./_review.ts";
import type { VirtualResource } from "./virtual_resource.ts";

/** Who whoever asks is. @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review */
export const selfSubjectReview: VirtualResource = inVersion("v1");

/** For `kubectl auth whoami` of 1.27, which knows no other. */
export const selfSubjectReviewBeta: VirtualResource = { ...inVersion("v1beta1"), hidden: true };

function inVersion(version: string): VirtualResource {
  const resource: VirtualResource = {
    group: "authentication.k8s.io",
    version,
    kind: "SelfSubjectReview",
    plural: "selfsubjectreviews",
    namespaced: false,
    schema: "io.k8s.api.authentication.v1.SelfSubjectReview",
    async serve(r) {
      const review = await readReview(r, resource);
      return answerReview(r, review, { userInfo: userInfoObject(r.user) });
    },
  };
  return resource;
}
