import { type FieldError, fieldError } from "../api/status.ts";
import { sum, times } from "./_estimate_calls.ts";
import { type Declaration, maxRequestBytes } from "./declaration.ts";
import type { StructuralSchema } from "./schema_type.ts";

/** Most that one rule may be estimated to cost, and all rules of a schema. @see k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation */
const ruleLimit = 10_000_000;
const totalLimit = 100_000_000;
/** How many of the dearest rules are named. */
const maxNamed = 4;

/** Adds up what the rules of a schema can cost. */
export class RuleCosts {
  readonly #perRule: boolean;
  readonly #dear: { readonly path: string; readonly cost: number }[] = [];
  #total = 0;

  /** @param options.perRule whether each rule is held to its limit: not those of schemas that were there before */
  constructor({ perRule }: { readonly perRule: boolean }) {
    this.#perRule = perRule;
  }

  /** Counts an expression. @param name of its cost in messages */
  add(path: string, cost: number, name: string): readonly FieldError[] {
    this.#total = sum(this.#total, cost);
    if (cost >= totalLimit / 100) this.#dear.push({ path, cost });
    return this.#perRule && cost > ruleLimit ? [fieldError.forbidden(path, excess(name, cost, ruleLimit))] : [];
  }

  /** What is wrong with all of them together. @param path of the schema */
  conclude(path: string): readonly FieldError[] {
    if (this.#total <= totalLimit) return [];
    const dearest = [...this.#dear].sort((a, b) => b.cost - a.cost).slice(0, maxNamed);
    return [
      ...dearest.map((one) =>
        fieldError.forbidden(
          one.path,
          "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
        ),
      ),
      fieldError.forbidden(
        path,
        excess(
          "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema",
          this.#total,
          totalLimit,
        ),
      ),
    ];
  }
}

function excess(name: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? "more than 100" : factor < 1.5 ? factor.toFixed(6) : factor.toFixed(1);
  return `${name} exceeds budget by factor of ${shown}x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** How many times a schema's children can be there when it is there `present` times; undefined: nothing bounds it. */
export function cardinalityBelow(schema: StructuralSchema, present: number | undefined): number | undefined {
  const { type, items, additionalProperties, maxItems, maxProperties } = schema;
  const isMap = type === "object" && typeof additionalProperties === "object";
  const factor = isMap ? maxProperties : type === "array" && items ? maxItems : 1;
  return present === undefined || factor === undefined ? undefined : times(present, Math.max(factor, 0));
}

/** How often values of a schema fit into a request. */
export function mostInRequest({ minSize }: Declaration): number {
  return Math.floor(maxRequestBytes / (minSize + 1));
}
