import type { KubeObject } from "../../../core/api/meta.ts";
import { type FieldError, fieldError } from "../../../core/api/status.ts";
import { CompileError, compile } from "../../../core/cel/mod.ts";
import {
  bool,
  type CelType,
  dyn,
  isDynamic,
  mapOf,
  objectOf,
  opaque,
  string,
  typeName,
} from "../../../core/cel/types.ts";
import type { DeviceClass } from "../../../core/kinds/device_class.ts";
import type { DeviceSelector } from "../../../core/kinds/device_parts_validation.ts";
import type { DeviceClaim } from "../../../core/kinds/device_requests.ts";
import type { ResourceClaim } from "../../../core/kinds/resource_claim.ts";
import type { ResourceClaimTemplate } from "../../../core/kinds/resource_claim_template.ts";
import { semanticEqual } from "../../../core/kinds/semantic_equal.ts";

/** What an expression knows of a device. @see k8s.io/dynamic-resource-allocation/cel */
const device = objectOf("kubernetes.DRADevice", {
  driver: string,
  attributes: mapOf(string, mapOf(string, dyn)),
  capacity: mapOf(string, mapOf(string, opaque("kubernetes.Quantity"))),
  allowMultipleAllocations: bool,
});
const variables: ReadonlyMap<string, CelType> = new Map([["device", device]]);
/** Longer ones are refused as such. */
const maxLength = 10 * 1024;

/** What is wrong with the expressions by which an object chooses devices. @param previous what it was before */
export function checkDeviceSelectors(object: KubeObject, kind: string, previous?: KubeObject): readonly FieldError[] {
  if (kind === "DeviceClass") {
    const [selectors, before] = [(object as DeviceClass).spec?.selectors, (previous as DeviceClass)?.spec?.selectors];
    return previous && semanticEqual(selectors, before) ? [] : checkList(selectors, "spec.selectors");
  }
  if (kind === "ResourceClaim") return checkClaim((object as ResourceClaim).spec?.devices, "spec.devices");
  return checkClaim((object as ResourceClaimTemplate).spec?.spec?.devices, "spec.spec.devices");
}

function checkClaim({ requests = [] }: DeviceClaim = {}, field: string): readonly FieldError[] {
  return requests.flatMap(({ exactly, firstAvailable = [] }, index) => {
    const at = `${field}.requests[${index}]`;
    return [
      ...checkList(exactly?.selectors, `${at}.exactly.selectors`),
      ...firstAvailable.flatMap(({ selectors }, place) =>
        checkList(selectors, `${at}.firstAvailable[${place}].selectors`),
      ),
    ];
  });
}

function checkList(selectors: readonly DeviceSelector[] = [], field: string): readonly FieldError[] {
  return selectors.flatMap(({ cel }, index) => {
    const expression = cel?.expression ?? "";
    const reason = expression === "" || expression.length > maxLength ? undefined : refusalOf(expression);
    return reason === undefined ? [] : [fieldError.invalid(`${field}[${index}].cel.expression`, expression, reason)];
  });
}

function refusalOf(expression: string): string | undefined {
  try {
    const { type } = compile(expression, variables);
    if (type.kind === "bool" || isDynamic(type)) return undefined;
    return `must evaluate to bool or the unknown type, not ${typeName(type)}`;
  } catch (error) {
    if (error instanceof CompileError) return `compilation failed: ${error.message}`;
    throw error;
  }
}
