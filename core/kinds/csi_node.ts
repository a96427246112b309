import { defineKind, type Kind } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import type { KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkDriverName } from "./csi_validation.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { checkAll, checkNonNegative, checkUnique, type FieldErrors } from "./validators.ts";

/** A storage driver on a node. */
export interface CSINodeDriver {
  readonly name: string;
  /** What the driver calls the node. */
  readonly nodeID: string;
  readonly topologyKeys?: readonly string[];
  readonly allocatable?: { readonly count?: number };
}

/** The storage drivers of the node of the same name. */
export interface CSINode extends KubeObject {
  readonly spec: { readonly drivers?: readonly CSINodeDriver[] };
}

const maxNodeId = 192;

/** The kind CSINode. */
export const csiNode: Kind<CSINode> = defineKind<CSINode>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSINode",
  plural: "csinodes",
  namespaced: false,
  schema: "io.k8s.api.storage.v1.CSINode",
  generation: "none",
  conditionalUpdate: true,
  strategy: {
    validate: ({ spec = {} }) => {
      const { drivers = [] } = spec;
      const name = (index: number) => `spec.drivers[${index}].name`;
      const repeated = checkUnique(
        drivers.map((driver) => driver.name),
        name,
      );
      return drivers.flatMap((driver, index) => [
        ...checkDriver(driver, `spec.drivers[${index}]`),
        ...repeated.filter(({ field }) => field === name(index)),
      ]);
    },
    validateUpdate: (next, previous) =>
      (previous.spec?.drivers ?? []).flatMap((old) => {
        const changed = next.spec?.drivers?.find(({ name }) => name === old.name);
        const same = changed === undefined || semanticEqual(fixed(changed), fixed(old));
        return same ? [] : [fieldError.invalid("CSINodeDriver", changed, "field is immutable")];
      }),
  },
  columns: [
    nameColumn,
    {
      name: "Drivers",
      type: "integer",
      description: "How many drivers the node has.",
      cell: ({ spec }) => spec?.drivers?.length ?? 0,
    },
    ageColumn,
  ],
});

/** What may not change: how many volumes a node takes may. */
function fixed({ allocatable: _allocatable, ...driver }: CSINodeDriver): Omit<CSINodeDriver, "allocatable"> {
  return driver;
}

function checkDriver({ name, nodeID = "", topologyKeys = [], allocatable }: CSINodeDriver, field: string): FieldErrors {
  const errors: FieldError[] = [...checkDriverName(name, `${field}.name`)];
  if (!nodeID) errors.push(fieldError.required(`${field}.nodeID`));
  if (nodeID.length > maxNodeId)
    errors.push(fieldError.invalid(`${field}.nodeID`, nodeID, `must be ${maxNodeId} characters or less`));
  errors.push(...checkNonNegative(`${field}.allocatable.count`, allocatable?.count));
  for (const [index, key] of topologyKeys.entries()) {
    if (!key) errors.push(fieldError.required(field, key));
    if (topologyKeys.indexOf(key) < index) errors.push(fieldError.duplicate(field, key));
    errors.push(...checkAll(field, topologyKeys, qualifiedNameErrors(key)));
  }
  return errors;
}
