import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkNonNegative, checkPositive } from "./validators.ts";

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
  strategy: {
    validate: ({ spec = {} }) => [
      ...checkPositive("spec.leaseDurationSeconds", spec.leaseDurationSeconds),
      ...checkNonNegative("spec.leaseTransitions", spec.leaseTransitions),
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
