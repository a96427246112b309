import { defineKind, type Kind } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import type { KubeObject } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkAll, checkNonNegative, checkPositive, type FieldErrors } from "./validators.ts";

/** Who holds what until when: heartbeats and leader election. */
export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
    readonly strategy?: string;
    readonly preferredHolder?: string;
  };
}

/** The kind Lease. */
export const lease: Kind<Lease> = defineKind<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
  schema: "io.k8s.api.coordination.v1.Lease",
  generation: "none",
  createOnUpdate: true,
  conditionalUpdate: true,
  strategy: {
    validate: ({ spec = {} }) => [
      ...checkPositive("spec.leaseDurationSeconds", spec.leaseDurationSeconds),
      ...checkNonNegative("spec.leaseTransitions", spec.leaseTransitions),
      ...(spec.strategy ? checkStrategy(spec.strategy, "spec.strategy") : []),
      ...(spec.preferredHolder && !spec.strategy
        ? [fieldError.forbidden("spec.preferredHolder", "may only be specified when `strategy` is defined")]
        : []),
    ],
  },
  columns: [
    nameColumn,
    {
      name: "Holder",
      type: "string",
      description: "Who holds the lease.",
      cell: ({ spec }) => spec?.holderIdentity ?? "",
    },
    ageColumn,
  ],
});

/** Kubernetes' own strategies have plain names, others a domain before theirs. */
function checkStrategy(strategy: string, field: string): FieldErrors {
  if (/\//.test(strategy)) return checkAll(field, strategy, qualifiedNameErrors(strategy));
  const ours = ["OldestEmulationVersion"];
  return ours.includes(strategy) ? [] : [fieldError.notSupported(field, strategy, ours)];
}
