/**
 * What is true of every API object.
 *
 * - Objects are plain read-only JSON; these are functions over them.
 * - StatusError is the only error that crosses the API.
 */
export { apiVersionOf, defineKind, type Kind, type ResourceType } from "./kind.ts";
export {
  formatLabelSelector,
  type LabelSelector,
  parseLabelSelector,
  selectorFromMap,
  selectorFromObject,
} from "./labels.ts";
export * from "./meta.ts";
export { compareQuantities, formatQuantity, parseQuantity } from "./quantity.ts";
export { isReason, type Status, type StatusDetails, StatusError, type StatusReason } from "./status.ts";
export { parseManifests } from "./yaml.ts";
export { formatYaml } from "./yaml_writer.ts";
