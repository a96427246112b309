/** Devices as slices tell of them. @see k8s.io/kubernetes/pkg/apis/resource/validation */
import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkNodeSelectorTerms } from "./affinity_validation.ts";
import { checkCapacity, type DeviceCapacity } from "./device_capacity_validation.ts";
import { checkQualifiedName } from "./device_names_validation.ts";
import {
  checkBindingConditions,
  checkDeviceTaint,
  checkItems,
  checkMap,
  checkSet,
  type DeviceBindingConditions,
  type DeviceTaint,
} from "./device_parts_validation.ts";
import type { NodeSelectorTerm } from "./pod.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { check, checkRequired, type FieldErrors } from "./validators.ts";

/** Something that is true of a device: one value of one type, or several. */
export interface DeviceAttribute {
  readonly bool?: boolean;
  readonly int?: number;
  readonly string?: string;
  readonly version?: string;
  readonly bools?: readonly boolean[];
  readonly ints?: readonly number[];
  readonly strings?: readonly string[];
  readonly versions?: readonly string[];
}

/** The node or nodes that devices are on. */
export interface DevicePlace {
  readonly nodeName?: string;
  readonly nodeSelector?: { readonly nodeSelectorTerms?: readonly NodeSelectorTerm[] };
  readonly allNodes?: boolean;
}

/** Counters by their names. */
export interface CounterSet {
  readonly name?: string;
  readonly counters?: Readonly<Record<string, object>>;
}

/** A device of a slice. */
export interface Device extends DevicePlace, DeviceBindingConditions {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, DeviceAttribute>>;
  readonly capacity?: Readonly<Record<string, DeviceCapacity>>;
  readonly taints?: readonly DeviceTaint[];
  readonly allowMultipleAllocations?: boolean;
  readonly consumesCounters?: readonly {
    readonly counterSet?: string;
    readonly counters?: Readonly<Record<string, object>>;
  }[];
}

const maxAttributes = 32;
const maxTaints = 16;
const maxCounterSets = 8;
const maxConsumptions = 2;
const maxCounters = 32;
const maxValue = 64;
const core = "(0|[1-9]\\d*)";
const pre = "(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
const build = "[0-9a-zA-Z-]+";
const semver = new RegExp(`^${core}\\.${core}\\.${core}(-${pre}(\\.${pre})*)?(\\+${build}(\\.${build})*)?$`);

/** What is wrong with a device. @param previous what it was: what has not changed need not be right */
export function checkDevice(device: Device, field: string, placed: boolean, previous?: Device): FieldErrors {
  const { name, attributes = {}, capacity = {}, taints = [], consumesCounters = [] } = device;
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  const shared = device.allowMultipleAllocations === true;
  const byCounterSet = { keyOf: (one: { counterSet?: string }) => one.counterSet, member: "counterSet" };
  const tooMany = `the total number of attributes and capacities must not exceed ${maxAttributes}`;
  return [
    ...checkRequiredLabel(name, `${field}.name`),
    ...(count > maxAttributes ? [fieldError.invalid(field, count, tooMany)] : []),
    ...checkMap(attributes, Number.POSITIVE_INFINITY, `${field}.attributes`, checkQualifiedName, checkAttribute),
    ...(previous && semanticEqual(previous.capacity, capacity)
      ? []
      : checkMap(capacity, Number.POSITIVE_INFINITY, `${field}.capacity`, checkQualifiedName, (value, at) =>
          checkCapacity(value, at, shared),
        )),
    ...(previous && semanticEqual(previous.taints, taints)
      ? []
      : checkItems(taints, maxTaints, `${field}.taints`, checkDeviceTaint)),
    ...checkSet(
      consumesCounters,
      maxConsumptions,
      `${field}.consumesCounters`,
      ({ counterSet, counters }, at) => [
        ...checkRequiredLabel(counterSet, `${at}.counterSet`),
        ...checkCounters(counters, `${at}.counters`),
      ],
      byCounterSet,
    ),
    ...checkDevicePlace(device, field, placed),
    ...checkBindingConditions(device, field),
  ];
}

function checkRequiredLabel(name: string | undefined, field: string): FieldErrors {
  return checkRequired(field, name, dnsLabelError);
}

/** What is wrong with the sets of counters that devices draw on. */
export function checkCounterSets(sets: readonly CounterSet[], field: string): FieldErrors {
  const checkCounterSet = ({ name, counters }: CounterSet, at: string) => [
    ...checkRequiredLabel(name, `${at}.name`),
    ...checkCounters(counters, `${at}.counters`),
  ];
  return checkSet(sets, maxCounterSets, field, checkCounterSet, { keyOf: ({ name }) => name, member: "name" });
}

function checkCounters(counters: CounterSet["counters"] = {}, field: string): FieldErrors {
  if (Object.keys(counters).length === 0) return [fieldError.required(field)];
  return checkMap(counters, maxCounters, field, (key, at) => check(at, key, dnsLabelError(key)));
}

function checkAttribute(attribute: DeviceAttribute, field: string): FieldErrors {
  const { string: text, version, strings = [], versions = [] } = attribute;
  const lists = (["bools", "ints", "strings", "versions"] as const).filter((member) => attribute[member]);
  const scalars = (["bool", "int", "string", "version"] as const).filter((member) => attribute[member] !== undefined);
  const errors: FieldError[] = [
    ...checkText(text, `${field}.string`),
    ...checkVersion(version, `${field}.version`),
    ...lists.flatMap((member) =>
      attribute[member]?.length === 0
        ? [fieldError.invalid(`${field}.${member}`, [], "must not be empty if specified")]
        : [],
    ),
    ...strings.flatMap((value, index) => checkText(value, `${field}.strings[${index}]`)),
    ...versions.flatMap((value, index) => checkVersion(value, `${field}.versions[${index}]`)),
  ];
  const count = lists.length + scalars.length;
  if (count === 1) return errors;
  return [...errors, fieldError.invalid(field, count === 0 ? "" : attribute, "exactly one value must be specified")];
}

function checkText(text: string | undefined, field: string): FieldErrors {
  return text !== undefined && text.length > maxValue ? [fieldError.tooLong(field, maxValue)] : [];
}

function checkVersion(text: string | undefined, field: string): FieldErrors {
  if (text === undefined) return [];
  const detail = "must be a string compatible with semver.org spec 2.0.0";
  return [...(semver.test(text) ? [] : [fieldError.invalid(field, text, detail)]), ...checkText(text, field)];
}

/** The members of a place that say where, and what is wrong with them. */
export function checkPlace(
  { nodeName, nodeSelector, allNodes }: DevicePlace,
  field: string,
  emptyName: string,
): { readonly set: readonly string[]; readonly errors: FieldErrors } {
  const set: string[] = [];
  const errors: FieldError[] = [];
  if (nodeName === "") errors.push(fieldError.invalid(`${field}.nodeName`, "", emptyName));
  else if (nodeName !== undefined) {
    set.push("`nodeName`");
    errors.push(...check(`${field}.nodeName`, nodeName, dnsSubdomainError(nodeName)));
  }
  if (nodeSelector) {
    set.push("`nodeSelector`");
    const { nodeSelectorTerms = [] } = nodeSelector;
    errors.push(...checkNodeSelectorTerms(nodeSelectorTerms, `${field}.nodeSelector.nodeSelectorTerms`));
  }
  if (allNodes) set.push("`allNodes`");
  else if (allNodes === false)
    errors.push(fieldError.invalid(`${field}.allNodes`, false, "must be either unset or set to true"));
  return { set, errors };
}

function checkDevicePlace(device: Device, field: string, placed: boolean): FieldErrors {
  const { nodeName, nodeSelector, allNodes } = device;
  const when = "`perDeviceNodeSelection` is set to true in the ResourceSlice spec";
  if (!placed) {
    if (nodeName === undefined && nodeSelector === undefined && allNodes === undefined) return [];
    return [
      fieldError.invalid(field, null, `\`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if ${when}`),
    ];
  }
  const { set, errors } = checkPlace(device, field, "must not be empty");
  if (set.length === 1) return errors;
  const oneOf = `exactly one of \`nodeName\`, \`nodeSelector\`, or \`allNodes\` is required when ${when}`;
  if (set.length === 0) return [...errors, fieldError.required(field, oneOf)];
  return [...errors, fieldError.invalid(field, `{${set.join(", ")}}`, oneOf)];
}
