import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkClaimStatus, type ResourceClaimStatus } from "./device_allocation_validation.ts";
import { checkDeviceClaim, type DeviceClaim, withDeviceDefaults } from "./device_requests.ts";
import { checkImmutable } from "./validators.ts";
import { withoutStatus, withStatusOf } from "./with_status.ts";

/** Devices that somebody wants, and gets. */
export interface ResourceClaim extends KubeObject {
  readonly spec: { readonly devices?: DeviceClaim };
  readonly status?: ResourceClaimStatus;
}

/** The kind ResourceClaim. */
export const resourceClaim: Kind<ResourceClaim> = defineKind<ResourceClaim>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaim",
  plural: "resourceclaims",
  namespaced: true,
  schema: "io.k8s.api.resource.v1.ResourceClaim",
  subresources: { status: true },
  generation: "none",
  statusKeepsMetadata: true,
  strategy: {
    applyDefaults: (object) => {
      const { spec } = object;
      return spec?.devices ? { ...object, spec: { ...spec, devices: withDeviceDefaults(spec.devices) } } : object;
    },
    prepareForCreate: withoutStatus,
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    // What is there already may not change: it is not looked at again.
    validate: ({ spec }, _context, previous) => (previous ? [] : checkDeviceClaim(spec?.devices ?? {}, "spec.devices")),
    validateUpdate: (next, previous) => checkImmutable("spec", next.spec, previous.spec),
    validateStatusUpdate: ({ metadata, spec, status = {} }, { status: previous = {} }) =>
      checkClaimStatus(status, previous, {
        claim: spec?.devices ?? {},
        isDeleted: metadata.deletionTimestamp !== undefined,
      }),
  },
  columns: [
    nameColumn,
    { name: "State", type: "string", description: "What became of it.", cell: stateText },
    ageColumn,
  ],
});

function stateText({ metadata, status = {} }: ResourceClaim): string {
  const isDeleted = metadata.deletionTimestamp !== undefined;
  const states = [
    ...(isDeleted ? ["deleted"] : []),
    ...(status.allocation ? ["allocated"] : isDeleted ? [] : ["pending"]),
    ...(status.allocation && (status.reservedFor?.length ?? 0) > 0 ? ["reserved"] : []),
  ];
  return states.join(",");
}
