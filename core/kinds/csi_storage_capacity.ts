import { defineKind, dnsSubdomainError, type Kind } from "../api/kind.ts";
import { validateLabelSelector } from "../api/label_validation.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { KubeObject } from "../api/meta.ts";
import { nameColumn } from "./cells.ts";
import { canonicalAmount } from "./pod_resources.ts";
import { check, checkImmutable, checkNonNegativeQuantity } from "./validators.ts";
import { withMembers } from "./with_members.ts";

/** How much storage of a class is left for some nodes. */
export interface CSIStorageCapacity extends KubeObject {
  readonly storageClassName: string;
  readonly nodeTopology?: LabelSelector;
  readonly capacity?: string | number;
  readonly maximumVolumeSize?: string | number;
}

/** The kind CSIStorageCapacity. */
export const csiStorageCapacity: Kind<CSIStorageCapacity> = defineKind<CSIStorageCapacity>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  namespaced: true,
  schema: "io.k8s.api.storage.v1.CSIStorageCapacity",
  conditionalUpdate: true,
  strategy: {
    applyDefaults: (object) =>
      withMembers(object, {
        capacity: canonicalAmount(object.capacity),
        maximumVolumeSize: canonicalAmount(object.maximumVolumeSize),
      }),
    validate: ({ storageClassName = "", nodeTopology, capacity, maximumVolumeSize }) => [
      ...validateLabelSelector(nodeTopology, "nodeTopology"),
      ...check("storageClassName", storageClassName, dnsSubdomainError(storageClassName)),
      ...checkNonNegativeQuantity("capacity", capacity),
      ...checkNonNegativeQuantity("maximumVolumeSize", maximumVolumeSize),
    ],
    validateUpdate: (next, previous) => [
      ...checkImmutable("nodeTopology", next.nodeTopology, previous.nodeTopology),
      ...checkImmutable("storageClassName", next.storageClassName, previous.storageClassName),
    ],
  },
  columns: [
    nameColumn,
    {
      name: "StorageClassName",
      type: "string",
      description: "The class of the storage.",
      cell: ({ storageClassName }) => storageClassName ?? "",
    },
    {
      name: "Capacity",
      type: "string",
      description: "How much is left.",
      cell: ({ capacity }) => (capacity === undefined ? "<unset>" : String(capacity)),
    },
  ],
});
