import { goJson } from "./go_json.ts";
import { goText } from "./go_value.ts";
import { evaluateJsonPath, type JsonPathNode } from "./json_path_evaluator.ts";
import { parseJsonPathTemplate } from "./json_path_parser.ts";
import type { Json } from "./meta.ts";

/** A template in kubectl's dialect of JSONPath, ready to be used. */
export interface JsonPath {
  /**
   * The values that each expression of the template finds, in order.
   *
   * @throws RangeError for a member that is missing, unless missing ones are allowed, and for a wrong index
   */
  find(data: Json): readonly (readonly Json[])[];
  /** The template with its expressions replaced by what they find. @throws RangeError as {@linkcode JsonPath.find} */
  print(data: Json): string;
  /** The same, each expression's values as a list in JSON. @throws RangeError as {@linkcode JsonPath.find} */
  printJson(data: Json): string;
}

/** Options of {@linkcode parseJsonPath}. */
export interface JsonPathOptions {
  /** Members that are missing count as nothing found. Default false: they are errors. */
  readonly allowMissingKeys?: boolean;
}

/**
 * Reads a template: text with expressions in braces, such as `{.metadata.name}`, `{.items[*].spec['a','b']}`,
 * `{..image}`, `{.conditions[?(@.type=="Ready")].status}`, `{range .items[*]}{.name}{"\n"}{end}`.
 *
 * @throws SyntaxError with the text of Kubernetes' parser
 * @see https://kubernetes.io/docs/reference/kubectl/jsonpath/
 */
export function parseJsonPath(template: string, { allowMissingKeys = false }: JsonPathOptions = {}): JsonPath {
  const nodes: readonly JsonPathNode[] = parseJsonPathTemplate(template);
  const find = (data: Json) => evaluateJsonPath(nodes, data, { allowMissingKeys });
  return {
    find,
    print: (data) =>
      find(data)
        .map((values) => values.map(jsonPathText).join(" "))
        .join(""),
    printJson: (data) =>
      find(data)
        .map((values) => `${goJson(values, 4)}\n`)
        .join(""),
  };
}

/** A value as JSONPath templates print it: lists and objects as Go writes JSON, others as Go prints them. */
export function jsonPathText(value: Json): string {
  return typeof value === "object" && value !== null ? goJson(value) : goText(value);
}
