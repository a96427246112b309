import { StatusError } from "../../../core/api/status.ts";
import { reviewToken } from "../../authentication/authenticator.ts";
import { answerReview, readReview, textOf, textsOf, userInfoObject } from "./_review.ts";
import type { VirtualResource } from "./virtual_resource.ts";

/** Whom a token stands for. @see https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/ */
export const tokenReview: VirtualResource = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenReview",
  plural: "tokenreviews",
  namespaced: false,
  schema: "io.k8s.api.authentication.v1.TokenReview",
  async serve(r) {
    const review = await readReview(r, tokenReview);
    const { spec = {} } = review;
    const token = textOf(spec, "token");
    if (token === "") throw StatusError.badRequest("token is required for TokenReview in authentication");
    const asked = textsOf(spec["audiences"]);
    const { authentication } = r.services;
    const wanted = asked.length > 0 ? asked : authentication.audiences;
    const { user, audiences, error } = await reviewToken({ ...authentication, wanted }, token);
    if (!user) return answerReview(r, review, { user: {}, ...(error ? { error } : {}) });
    return answerReview(r, review, {
      authenticated: true,
      user: userInfoObject(user),
      ...(audiences.length > 0 ? { audiences: [...audiences] } : {}),
    });
  },
};
