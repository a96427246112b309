import { defineKind, dnsLabelError, dnsSubdomainError, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkDriver } from "./device_requests.ts";
import { checkImmutable, checkOptional, checkRequired, checkUnique, type FieldErrors } from "./validators.ts";

/** Devices that a driver has, on one node or for several. */
export interface ResourceSlice extends KubeObject {
  readonly spec: {
    readonly driver?: string;
    readonly pool?: { readonly name?: string; readonly generation?: number; readonly resourceSliceCount?: number };
    readonly nodeName?: string;
    readonly nodeSelector?: object;
    readonly allNodes?: boolean;
    readonly perDeviceNodeSelection?: boolean;
    readonly devices?: readonly { readonly name: string }[];
    readonly sharedCounters?: readonly object[];
  };
}

const maxDevices = 128;

/** The kind ResourceSlice. */
export const resourceSlice: Kind<ResourceSlice> = defineKind<ResourceSlice>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceSlice",
  plural: "resourceslices",
  namespaced: false,
  schema: "io.k8s.api.resource.v1.ResourceSlice",
  strategy: {
    validate: ({ spec }) => checkSlice(spec ?? {}),
    validateUpdate: (next, previous) =>
      (["driver", "nodeName"] as const)
        .flatMap((member) => checkImmutable(`spec.${member}`, next.spec?.[member], previous.spec?.[member]))
        .concat(checkImmutable("spec.pool.name", next.spec?.pool?.name, previous.spec?.pool?.name)),
    fields: ({ spec }) => ({ "spec.nodeName": spec?.nodeName ?? "", "spec.driver": spec?.driver ?? "" }),
  },
  columns: [
    nameColumn,
    {
      name: "Node",
      type: "string",
      description: "The node that the devices are on.",
      cell: ({ spec }) => spec?.nodeName ?? "",
    },
    { name: "Driver", type: "string", description: "Whose devices they are.", cell: ({ spec }) => spec?.driver ?? "" },
    {
      name: "Pool",
      type: "string",
      description: "The pool that the slice is a part of.",
      cell: ({ spec }) => spec?.pool?.name ?? "",
    },
    ageColumn,
  ],
});

function checkSlice(spec: ResourceSlice["spec"]): FieldErrors {
  const { driver, pool = {}, devices = [] } = spec;
  const errors: FieldError[] = [...checkDriver(driver, "spec.driver"), ...checkPool(pool, "spec.pool")];
  const places = [
    spec.nodeName !== undefined && "`nodeName`",
    spec.nodeSelector !== undefined && "`nodeSelector`",
    spec.allNodes === true && "`allNodes`",
    spec.perDeviceNodeSelection === true && "`perDeviceNodeSelection`",
  ].filter((place) => place !== false);
  const oneOf = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (places.length === 0) errors.push(fieldError.required("spec", oneOf));
  if (places.length > 1)
    errors.push(fieldError.invalid("spec", `{${places.join(", ")}}`, `${oneOf}, but multiple fields are set`));
  errors.push(...checkOptional("spec.nodeName", spec.nodeName, dnsSubdomainError));
  if (devices.length > maxDevices) return [...errors, fieldError.tooMany("spec.devices", devices.length, maxDevices)];
  return [
    ...errors,
    ...devices.flatMap(({ name }, index) => checkRequired(`spec.devices[${index}].name`, name, dnsLabelError)),
    ...checkUnique(
      devices.map(({ name }) => name),
      (index) => `spec.devices[${index}].name`,
    ),
  ];
}

function checkPool(
  { name, generation = 0, resourceSliceCount = 0 }: NonNullable<ResourceSlice["spec"]["pool"]>,
  field: string,
): FieldErrors {
  return [
    ...(name
      ? name.split("/").flatMap((part) => checkRequired(`${field}.name`, part, dnsSubdomainError))
      : [fieldError.required(`${field}.name`)]),
    ...(resourceSliceCount <= 0
      ? [fieldError.invalid(`${field}.resourceSliceCount`, resourceSliceCount, "must be greater than zero")]
      : []),
    ...(generation < 0
      ? [fieldError.invalid(`${field}.generation`, generation, "must be greater than or equal to zero")]
      : []),
  ];
}
