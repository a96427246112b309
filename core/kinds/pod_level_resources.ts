/**
 * What pods ask for as a whole.
 *
 * @see https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/2837-pod-level-resource-spec
 */
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  quantityError,
} from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { PodSpec, ResourceList } from "./pod.ts";
import { type Arithmetic, isPodLevel, mostAtOnce } from "./pod_resources.ts";
import { mayOvercommit } from "./resource_names.ts";
import { checkResources } from "./resource_validation.ts";
import type { FieldErrors } from "./validators.ts";

const supported = ["cpu", "hugepages-", "memory"];

/**
 * The spec of a pod whose limits as a whole say what it may use, with what it requests: what its containers request together,
 * or else as much as it may use. Expects its containers' own defaults to be filled.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/v1/defaults.go, defaultPodRequests
 */
export function defaultPodResources(spec: PodSpec): PodSpec {
  const { limits = {}, requests = {} } = spec.resources ?? {};
  if (Object.keys(limits).length === 0) return spec;
  const together = [...containerRequests(spec)]
    .filter(([name]) => isPodLevel(name) && mayOvercommit(name))
    .map(([name, amount]) => [name, formatQuantity(amount)] as const);
  const most = Object.entries(limits).filter(([name]) => isPodLevel(name));
  const all = { ...Object.fromEntries(most), ...Object.fromEntries(together), ...requests };
  return { ...spec, resources: { ...spec.resources, limits, requests: all } };
}

/**
 * What is wrong with what a pod asks for as a whole: by itself, and beside what its containers do.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/validation, validatePodResources
 */
export function checkPodResources(spec: PodSpec, field: string): FieldErrors {
  const { resources } = spec;
  if (!resources) return [];
  const errors: FieldError[] = [];
  if ("claims" in resources && resources.claims)
    errors.push(fieldError.forbidden(`${field}.claims`, "claims cannot be set for Resources at pod-level"));
  for (const side of ["limits", "requests"] as const)
    for (const name of Object.keys(resources[side] ?? {}))
      if (!isPodLevel(name)) errors.push(fieldError.notSupported(`${field}.${side}[${name}]`, name, supported));
  if (errors.length > 0) return errors;
  return [...checkResources(resources, field), ...checkSums(spec, field)];
}

function checkSums(spec: PodSpec, field: string): FieldErrors {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  const errors: FieldError[] = [];
  for (const [name, together] of containerRequests(spec)) {
    const whole = amountIn(requests, name);
    if (!whole || compareQuantities(together, whole) <= 0) continue;
    const detail = `must be greater than or equal to aggregate container requests of ${formatQuantity(together)}`;
    errors.push(fieldError.invalid(`${field}.requests[${name}]`, formatQuantity(whole), detail));
  }
  for (const [index, container] of spec.containers.entries()) {
    const own = container.resources?.limits ?? {};
    for (const name of Object.keys(own)) {
      const [limit, whole] = [amountIn(own, name), amountIn(limits, name)];
      if (!limit || !whole || compareQuantities(limit, whole) <= 0) continue;
      const detail = `must be less than or equal to pod limits of ${formatQuantity(whole)}`;
      errors.push(fieldError.invalid(`${field}.containers[${index}][${name}].limits`, formatQuantity(limit), detail));
    }
  }
  return errors;
}

type Amounts = ReadonlyMap<string, Quantity>;

const arithmetic: Arithmetic<Amounts> = {
  none: new Map(),
  add: (a, b) => merge(a, b, addQuantities),
  max: (a, b) => merge(a, b, (x, y) => (compareQuantities(x, y) < 0 ? y : x)),
};

function merge(a: Amounts, b: Amounts, with2: (x: Quantity, y: Quantity) => Quantity): Amounts {
  const merged = new Map(a);
  for (const [name, amount] of b) {
    const present = merged.get(name);
    merged.set(name, present ? with2(present, amount) : amount);
  }
  return merged;
}

/** The most that a pod's containers request at any moment, with the amounts' formats. */
function containerRequests(spec: PodSpec): Amounts {
  return mostAtOnce(spec, arithmetic, ({ resources }) => {
    const list = resources?.requests ?? {};
    return new Map(
      Object.keys(list).flatMap((name) => {
        const amount = amountIn(list, name);
        return amount ? [[name, amount] as const] : [];
      }),
    );
  });
}

/** Undefined too for what is no amount: that is told elsewhere. */
function amountIn(list: ResourceList, name: string): Quantity | undefined {
  const text = Object.hasOwn(list, name) ? list[name] : undefined;
  return text === undefined || quantityError(text) !== undefined ? undefined : parseQuantity(text);
}
