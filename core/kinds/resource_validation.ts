import { compareQuantities, formatQuantity, parseQuantity, type Quantity, quantityError } from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { ResourceList, ResourceRequirements } from "./pod.ts";
import { checkContainerResourceName, isCounted, mayOvercommit } from "./resource_names.ts";
import type { FieldErrors } from "./validators.ts";

const hugePages = "hugepages-";

/** What is wrong with what a container requests and is limited to. */
export function checkResources({ limits = {}, requests = {} }: ResourceRequirements, field: string): FieldErrors {
  const limitAmounts = new Map<string, Quantity>();
  const errors: FieldError[] = [
    ...checkList(limits, `${field}.limits`, (name, amount) => {
      limitAmounts.set(name, amount);
      return [];
    }),
    ...checkList(requests, `${field}.requests`, (name, amount) => {
      const limit = limitAmounts.get(name);
      if (!limit) {
        return mayOvercommit(name)
          ? []
          : [fieldError.required(`${field}.limits`, "Limit must be set for non overcommitable resources")];
      }
      const order = compareQuantities(amount, limit);
      if (order !== 0 && !mayOvercommit(name)) {
        return [
          fieldError.invalid(
            `${field}.requests`,
            formatQuantity(amount),
            `must be equal to ${name} limit of ${formatQuantity(limit)}`,
          ),
        ];
      }
      if (order <= 0) return [];
      const detail = `must be less than or equal to ${name} limit of ${formatQuantity(limit)}`;
      return [fieldError.invalid(`${field}.requests`, formatQuantity(amount), detail)];
    }),
  ];
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.some((name) => name === "cpu" || name === "memory"))
    errors.push(fieldError.forbidden(field, "HugePages require cpu or memory"));
  return errors;
}

function isHugePages(name: string): boolean {
  return name.startsWith(hugePages);
}

/** Pages come whole. */
function checkPages(name: string, amount: Quantity, field: string): FieldErrors {
  const size = name.slice(hugePages.length);
  if (!isHugePages(name) || quantityError(size) !== undefined) return [];
  const page = parseQuantity(size).nano;
  if (page > 0n && amount.nano % page === 0n) return [];
  const text = formatQuantity(amount);
  return [fieldError.invalid(field, text, `${text} is not positive integer multiple of ${name}`)];
}

/** What is wrong with a resource list; `also` looks at the amounts that are fine by themselves. */
export function checkList(
  list: ResourceList,
  field: string,
  also: (name: string, amount: Quantity) => FieldErrors = () => [],
): FieldErrors {
  return Object.entries(list).flatMap(([name, text]) => {
    const at = `${field}[${name}]`;
    const errors = [...checkContainerResourceName(name, at), ...checkAmount(name, text, at)];
    if (quantityError(text) !== undefined) return errors;
    const amount = parseQuantity(text);
    return [...errors, ...also(name, amount), ...checkPages(name, amount, at)];
  });
}

/** What is wrong with an amount of a resource. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateResourceQuantityValue */
export function checkAmount(name: string, text: string | number, field: string): FieldErrors {
  const reason = quantityError(text);
  if (reason !== undefined) return [fieldError.invalid(field, text, reason)];
  const amount = parseQuantity(text);
  const errors: FieldError[] = [];
  if (amount.nano < 0n)
    errors.push(fieldError.invalid(field, formatQuantity(amount), "must be greater than or equal to 0"));
  if (isCounted(name) && amount.nano % 1_000_000_000n !== 0n)
    errors.push(fieldError.invalid(field, formatQuantity(amount), "must be an integer"));
  return errors;
}
