/** Resources besides the kinds: created, answered, never stored. */
import { binding } from "./binding.ts";
import { selfSubjectReview, selfSubjectReviewBeta } from "./self_subject_review.ts";
import { selfSubjectRulesReview } from "./self_subject_rules_review.ts";
import { localSubjectAccessReview, selfSubjectAccessReview, subjectAccessReview } from "./subject_access_reviews.ts";
import { tokenReview } from "./token_review.ts";
import type { VirtualResource } from "./virtual_resource.ts";

/** Every one of them; whatever stands here is served and told of by discovery. */
export const virtualResources: readonly VirtualResource[] = [
  binding,
  tokenReview,
  selfSubjectReview,
  selfSubjectReviewBeta,
  subjectAccessReview,
  localSubjectAccessReview,
  selfSubjectAccessReview,
  selfSubjectRulesReview,
];
