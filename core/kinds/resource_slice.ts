import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkDriver, checkPoolName } from "./device_names_validation.ts";
import { checkSet } from "./device_parts_validation.ts";
import {
  type CounterSet,
  checkCounterSets,
  checkDevice,
  checkPlace,
  type Device,
  type DevicePlace,
} from "./device_validation.ts";
import { checkImmutable, type FieldErrors } from "./validators.ts";

/** Devices that a driver has, on one node or for several. */
export interface ResourceSlice extends KubeObject {
  readonly spec: DevicePlace & {
    readonly driver?: string;
    readonly pool?: { readonly name?: string; readonly generation?: number; readonly resourceSliceCount?: number };
    readonly perDeviceNodeSelection?: boolean;
    readonly devices?: readonly Device[];
    readonly sharedCounters?: readonly CounterSet[];
  };
}

const maxDevices = 128;
const maxAdvancedDevices = 64;

/** The kind ResourceSlice. */
export const resourceSlice: Kind<ResourceSlice> = defineKind<ResourceSlice>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceSlice",
  plural: "resourceslices",
  namespaced: false,
  schema: "io.k8s.api.resource.v1.ResourceSlice",
  strategy: {
    validate: ({ spec }, _context, previous) => checkSlice(spec ?? {}, previous?.spec),
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

function checkSlice(spec: ResourceSlice["spec"], previous?: ResourceSlice["spec"]): FieldErrors {
  const { driver, pool = {}, devices, sharedCounters, perDeviceNodeSelection } = spec;
  const errors: FieldError[] = [
    ...checkDriver(driver, "spec.driver"),
    ...checkPool(pool, "spec.pool"),
    ...checkSlicePlace(spec),
  ];
  if (devices && sharedCounters)
    errors.push(fieldError.invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed"));
  const before = new Map((previous?.devices ?? []).map((device) => [device.name, device]));
  const checkOne = (device: Device, at: string) =>
    checkDevice(device, at, perDeviceNodeSelection === true, before.get(device.name));
  const byName = { keyOf: ({ name }: Device) => name, member: "name" };
  return [
    ...errors,
    ...checkSet(
      devices ?? [],
      devices?.some(isAdvanced) ? maxAdvancedDevices : maxDevices,
      "spec.devices",
      checkOne,
      byName,
    ),
    ...checkCounterSets(sharedCounters ?? [], "spec.sharedCounters"),
  ];
}

/** Whether a device takes the work of several: fewer of these fit into a slice. */
function isAdvanced({ taints = [], consumesCounters = [], attributes = {} }: Device): boolean {
  const hasList = Object.values(attributes).some(({ bools, ints, strings, versions }) =>
    [bools, ints, strings, versions].some((list) => list !== undefined),
  );
  return taints.length > 0 || consumesCounters.length > 0 || hasList;
}

function checkSlicePlace(spec: ResourceSlice["spec"]): FieldErrors {
  const { set, errors } = checkPlace(spec, "spec", "must be either unset or set to a non-empty string");
  const { nodeSelector, perDeviceNodeSelection: perDevice } = spec;
  const terms = nodeSelector?.nodeSelectorTerms ?? [];
  const more: FieldError[] = [];
  // So that the selectors of several slices can be joined.
  if (nodeSelector && terms.length !== 1)
    more.push(
      fieldError.invalid("spec.nodeSelector.nodeSelectorTerms", terms, "must have exactly one node selector term"),
    );
  if (perDevice === false)
    more.push(fieldError.invalid("spec.perDeviceNodeSelection", false, "must be either unset or set to true"));
  const places = perDevice ? [...set, "`perDeviceNodeSelection`"] : set;
  const oneOf = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (places.length === 0) more.push(fieldError.required("spec", oneOf));
  if (places.length > 1)
    more.push(fieldError.invalid("spec", `{${places.join(", ")}}`, `${oneOf}, but multiple fields are set`));
  return [...errors, ...more];
}

function checkPool(
  { name, generation = 0, resourceSliceCount = 0 }: NonNullable<ResourceSlice["spec"]["pool"]>,
  field: string,
): FieldErrors {
  return [
    ...checkPoolName(name, `${field}.name`),
    ...(resourceSliceCount <= 0
      ? [fieldError.invalid(`${field}.resourceSliceCount`, resourceSliceCount, "must be greater than zero")]
      : []),
    ...(generation < 0
      ? [fieldError.invalid(`${field}.generation`, generation, "must be greater than or equal to zero")]
      : []),
  ];
}
