import { qualifiedNameErrors } from "../api/label_validation.ts";
import {
  compareQuantities,
  formatQuantity,
  milliValue,
  parseQuantity,
  type Quantity,
  quantityError,
} from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { LimitRange, LimitRangeItem } from "./limit_range.ts";
import type { ResourceList } from "./pod.ts";
import { checkContainerResourceName, checkResourceName, mayOvercommit } from "./resource_names.ts";
import { checkAll, checkUnique, type FieldErrors } from "./validators.ts";

const types = ["Pod", "Container", "PersistentVolumeClaim"];

/** What is wrong with a limit range. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateLimitRange */
export function validateLimitRange({ spec = {} }: LimitRange): FieldErrors {
  const { limits = [] } = spec;
  const duplicates = checkUnique(
    limits.map(({ type }) => type),
    (index) => `spec.limits[${index}].type`,
  );
  return limits.flatMap((item, index) => {
    const field = `spec.limits[${index}]`;
    return [
      ...checkType(item.type ?? "", `${field}.type`),
      ...duplicates.filter((error) => error.field === `${field}.type`),
      ...checkItem(item, field),
    ];
  });
}

function checkType(type: string, field: string): FieldErrors {
  const errors = checkAll(field, type, qualifiedNameErrors(type));
  if (errors.length > 0 || type.includes("/") || types.includes(type)) return errors;
  return [fieldError.invalid(field, type, "must be a standard limit type or fully qualified")];
}

/** The amounts of one list that can be read, by name. */
type Amounts = ReadonlyMap<string, Quantity>;

function checkItem(item: LimitRangeItem, field: string): FieldErrors {
  const errors: FieldError[] = [];
  const read = (member: "max" | "min" | "default" | "defaultRequest" | "maxLimitRequestRatio"): Amounts =>
    readList(item[member], `${field}.${member}`, item.type, errors);
  const [max, min] = [read("max"), read("min")];
  let [limits, requests]: readonly [Amounts, Amounts] = [new Map(), new Map()];
  if (item.type === "Pod") {
    for (const member of ["default", "defaultRequest"] as const)
      if (Object.keys(item[member] ?? {}).length > 0)
        errors.push(fieldError.forbidden(`${field}.${member}`, "may not be specified when `type` is 'Pod'"));
  } else [limits, requests] = [read("default"), read("defaultRequest")];
  if (item.type === "PersistentVolumeClaim" && !min.has("storage") && !max.has("storage")) {
    const detail = "either minimum or maximum storage value is required, but neither was provided";
    errors.push(fieldError.required(`${field}.limits`, detail));
  }
  const ratios = read("maxLimitRequestRatio");
  const names = new Set([max, min, limits, requests, ratios].flatMap((list) => [...list.keys()]));
  for (const name of names) {
    errors.push(
      ...checkOrder(name, field, {
        max: max.get(name),
        min: min.get(name),
        limit: limits.get(name),
        request: requests.get(name),
      }),
      ...checkRatio(`${field}.maxLimitRequestRatio[${name}]`, ratios.get(name), min.get(name), max.get(name)),
    );
  }
  return errors;
}

function readList(list: ResourceList = {}, field: string, type: string, errors: FieldError[]): Amounts {
  const amounts = new Map<string, Quantity>();
  for (const [name, text] of Object.entries(list)) {
    const at = `${field}[${name}]`;
    errors.push(
      ...(type === "Pod" || type === "Container" ? checkContainerResourceName(name, at) : checkResourceName(name, at)),
    );
    const reason = quantityError(text);
    if (reason === undefined) amounts.set(name, parseQuantity(text));
    else errors.push(fieldError.invalid(at, text, reason));
  }
  return amounts;
}

interface Amount {
  readonly max: Quantity | undefined;
  readonly min: Quantity | undefined;
  readonly limit: Quantity | undefined;
  readonly request: Quantity | undefined;
}

/** The bounds and defaults of one resource must be in order. */
function checkOrder(name: string, field: string, { max, min, limit, request }: Amount): FieldErrors {
  const rules: readonly (readonly [
    string,
    Quantity | undefined,
    string,
    Quantity | undefined,
    string,
    Quantity | undefined,
  ])[] = [
    ["min", min, "min value", max, "max value", min],
    ["defaultRequest", min, "min value", request, "default request value", request],
    ["defaultRequest", request, "default request value", max, "max value", request],
    ["defaultRequest", request, "default request value", limit, "default limit value", request],
    ["default", min, "min value", limit, "default value", min],
    ["default", limit, "default value", max, "max value", max],
  ];
  const errors: FieldError[] = [];
  for (const [member, less, lessName, more, moreName, shown] of rules) {
    if (!less || !more || !shown || compareQuantities(less, more) <= 0) continue;
    const detail = `${lessName} ${formatQuantity(less)} is greater than ${moreName} ${formatQuantity(more)}`;
    errors.push(fieldError.invalid(`${field}.${member}[${name}]`, formatQuantity(shown), detail));
  }
  if (limit && request && !mayOvercommit(name) && compareQuantities(limit, request) !== 0) {
    const detail = `default value ${formatQuantity(limit)} must equal to defaultRequest value ${formatQuantity(request)} in ${name}`;
    errors.push(fieldError.invalid(`${field}.defaultRequest[${name}]`, formatQuantity(request), detail));
  }
  return errors;
}

function checkRatio(
  field: string,
  ratio: Quantity | undefined,
  min: Quantity | undefined,
  max: Quantity | undefined,
): FieldErrors {
  if (!ratio) return [];
  const text = formatQuantity(ratio);
  const errors: FieldError[] = [];
  if (compareQuantities(ratio, parseQuantity("1")) < 0)
    errors.push(fieldError.invalid(field, text, `ratio ${text} is less than 1`));
  if (!min || !max) return errors;
  const limit = milliValue(max) / milliValue(min);
  if (milliValue(ratio) / 1000 > limit)
    errors.push(fieldError.invalid(field, text, `ratio ${text} is greater than max/min = ${limit.toFixed(6)}`));
  return errors;
}
