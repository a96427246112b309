import { jsonEqual } from "../api/json_object.ts";
import { jsonText } from "../api/json_text.ts";
import type { Json } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { type CompiledRule, compileRule } from "./_compiled_rule.ts";
import { Budget, perCallLimit } from "./budget.ts";
import { CelError, CostExceeded } from "./errors.ts";
import { fromJson } from "./json_value.ts";
import { type StructuralSchema, typeOfSchema } from "./schema_type.ts";
import type { CelType } from "./types.ts";
import { Optional, type Value } from "./values.ts";

/** The rules of a schema and of everything below it, compiled. */
export interface RuleSet {
  /**
   * Checks a value against the rules.
   *
   * @param previous the value before an update; undefined for a create
   * @param path of the value, `""` for a whole object
   * @param warn is told of rules that a value already broke before, and may go on breaking
   */
  validate(value: unknown, previous: unknown, path: string, warn?: (text: string) => void): readonly FieldError[];
}

/** Cost of all the rules of an object. A quarter of Kubernetes': everybody else waits while an object is validated. */
const objectLimit = 2_500_000;
const maxMessage = 5 * 1024;

/**
 * Compiles `x-kubernetes-validations` of a structural schema, or undefined when it has none. Rules that do not compile are
 * told when a value is validated; {@linkcode checkRules} finds them beforehand.
 *
 * @param options.root whether the schema is of whole objects. Default true
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
 */
export function compileRules(schema: StructuralSchema, options: { readonly root?: boolean } = {}): RuleSet | undefined {
  const { root = true } = options;
  const node = compileNode(schema, schema, typeOfSchema(schema, root), 0);
  if (!node) return undefined;
  return {
    validate(value, previous, path, warn = () => {}) {
      const visit = new Visit(warn);
      visit.node(node, { path, value, previous, pair: previous === undefined ? undefined : [value, previous] });
      return visit.errors;
    },
  };
}

interface RuleNode {
  readonly schema: StructuralSchema;
  readonly type: CelType;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly additional: RuleNode | undefined;
  readonly items: RuleNode | undefined;
  readonly allOf: readonly RuleNode[];
}

/** `rules` brings the rules and where more of them are; `schema`, which `allOf` cannot change, the types. */
function compileNode(
  rules: StructuralSchema,
  schema: StructuralSchema,
  type: CelType | undefined,
  depth: number,
): RuleNode | undefined {
  if (!type || depth > 100) return undefined;
  const below = (from: StructuralSchema, to: StructuralSchema) =>
    compileNode(from, to, typeOfSchema(to, to["x-kubernetes-embedded-resource"]), depth + 1);
  const properties = new Map<string, RuleNode>();
  for (const [name, property] of Object.entries(rules.properties ?? {})) {
    const own = ownProperty(schema.properties, name);
    const node = own && below(property, own);
    if (node) properties.set(name, node);
  }
  const additional =
    typeof rules.additionalProperties === "object" && typeof schema.additionalProperties === "object"
      ? below(rules.additionalProperties, schema.additionalProperties)
      : undefined;
  const items = rules.items && schema.items ? below(rules.items, schema.items) : undefined;
  const allOf = (rules.allOf ?? []).flatMap((part) => compileNode(part, schema, type, depth + 1) ?? []);
  const compiled = (rules["x-kubernetes-validations"] ?? []).map((rule) => compileRule(rule, type, schema));
  if (compiled.length + properties.size + allOf.length === 0 && !additional && !items) return undefined;
  return { schema, type, rules: compiled, properties, additional, items, allOf };
}

function ownProperty<T>(map: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return map && Object.hasOwn(map, name) ? map[name] : undefined;
}

/** A value and what it was: equal, their errors are old ones. */
type Pair = readonly [value: unknown, previous: unknown];

interface Place {
  readonly path: string;
  readonly value: unknown;
  readonly previous: unknown;
  /** The value with what it was, where they can be matched. */
  readonly pair: Pair | undefined;
  /** The nearest value above that can be matched. */
  readonly above?: Pair | undefined;
}

class Visit {
  readonly errors: FieldError[] = [];
  readonly #warn: (text: string) => void;
  #left = objectLimit;
  #stopped = false;

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  node(node: RuleNode, place: Place): void {
    const { value, previous, path } = place;
    if (this.#stopped || value === null || value === undefined) return;
    this.#rules(node, place);
    for (const part of node.allOf) this.node(part, { path, value, previous, pair: undefined, above: place.above });
    if (Array.isArray(value)) this.#items(node, place, value);
    else if (typeof value === "object") this.#members(node, place, value);
  }

  #members(node: RuleNode, place: Place, value: object): void {
    const [isMatched, previous] = [isRecord(place.previous), place.previous];
    for (const [key, member] of Object.entries(value)) {
      const property = node.properties.get(key);
      const next = property ?? node.additional;
      if (!next || this.#stopped) continue;
      const has = isMatched && isRecord(previous) && Object.hasOwn(previous, key);
      const old = has && isRecord(previous) ? previous[key] : undefined;
      const path = property ? join(place.path, key) : `${place.path}[${key}]`;
      this.node(next, below(place, path, member, old, has));
    }
  }

  #items({ schema, items }: RuleNode, place: Place, value: readonly unknown[]): void {
    if (!items) return;
    const keys = schema["x-kubernetes-list-type"] === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []) : [];
    // Only elements of list maps are the same element after an update.
    const before = new Map<string, unknown>();
    if (keys.length > 0 && Array.isArray(place.previous))
      for (const element of place.previous) before.set(keyOf(element, keys), element);
    for (const [index, element] of value.entries()) {
      const key = keys.length > 0 ? keyOf(element, keys) : "";
      this.node(items, below(place, `${place.path}[${index}]`, element, before.get(key), before.has(key)));
    }
  }

  #rules({ rules, schema, type }: RuleNode, place: Place): void {
    const variables = new Map<string, Value>();
    const valueType = schema.type ?? "";
    for (const rule of rules) {
      if (this.#stopped) return;
      if (this.#left <= 0) {
        this.#stop(place, valueType, outOfBudget);
        return;
      }
      if ("error" in rule) {
        this.#add(place, fieldError.invalid(nameOf(place.path), valueType, `rule compile error: ${rule.error}`));
        continue;
      }
      const isOptional = rule.source.optionalOldSelf === true;
      if (rule.usesOldSelf && place.previous === undefined && !isOptional) continue;
      const failure = this.#evaluate(rule, place, () => this.#bind(variables, type, place, isOptional));
      if (failure) this.#add(place, failure, rule);
    }
  }

  #bind(
    variables: Map<string, Value>,
    type: CelType,
    { value, previous }: Place,
    isOptional: boolean,
  ): Map<string, Value> {
    if (!variables.has("self")) variables.set("self", fromJson(value, type));
    const old = previous === undefined ? undefined : fromJson(previous, type);
    if (isOptional) variables.set("oldSelf", new Optional(old));
    else if (old !== undefined) variables.set("oldSelf", old);
    return variables;
  }

  /** The error of a rule that is broken, or that cannot be evaluated. */
  #evaluate(
    rule: CompiledRule & { error?: never },
    place: Place,
    bind: () => Map<string, Value>,
  ): FieldError | undefined {
    const { source, program, valueType } = rule;
    const invalid = (detail: string) => fieldError.invalid(nameOf(place.path), valueType, detail);
    const text = (source.message ?? "").trim() || source.rule.trim();
    const budget = new Budget(Math.min(perCallLimit, this.#left));
    try {
      const variables = bind();
      if (program.evaluate(variables, budget) === true) return undefined;
      const path = nameOf(`${place.path}${rule.fieldPath}`.replace(/^\./, ""));
      return forReason(path, valueType, this.#message(rule, variables) ?? messageOf(source), source.reason);
    } catch (error) {
      if (error instanceof CostExceeded) {
        if (this.#left < perCallLimit) this.#stop(place, valueType, outOfBudget);
        else
          this.#stop(
            place,
            valueType,
            `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${text}`,
          );
        return undefined;
      }
      if (!(error instanceof CelError)) throw error;
      if (!error.message.startsWith("no such overload")) return invalid(`${error.message} evaluating rule: ${text}`);
      return invalid(
        `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`,
      );
    } finally {
      this.#left -= budget.spent;
    }
  }

  /** What `messageExpression` says; undefined when it says nothing that can be shown. */
  #message({ message }: CompiledRule & { error?: never }, variables: Map<string, Value>): string | undefined {
    if (!message) return undefined;
    const budget = new Budget(Math.min(perCallLimit, Math.max(this.#left, 1)));
    try {
      const text = String(message.evaluate(variables, budget)).trim();
      return text === "" || text.includes("\n") || text.length > maxMessage ? undefined : text;
    } catch (error) {
      if (error instanceof CelError || error instanceof CostExceeded) return undefined;
      throw error;
    } finally {
      this.#left -= budget.spent;
    }
  }

  #add({ pair, above }: Place, error: FieldError, rule?: CompiledRule & { error?: never }): void {
    const compared = pair ?? above;
    const isOld =
      rule !== undefined &&
      !rule.usesOldSelf &&
      compared !== undefined &&
      jsonEqual(compared[0] as Json, compared[1] as Json);
    if (isOld) this.#warn(`${error.field}: ${error.message}`);
    else this.errors.push(error);
  }

  #stop({ path }: Place, valueType: string, detail: string): void {
    this.#stopped = true;
    this.errors.push(fieldError.invalid(nameOf(path), valueType, detail));
  }
}

const outOfBudget = "validation failed due to running out of cost budget, no further validation rules will be run";

function below(place: Place, path: string, value: unknown, previous: unknown, isMatched: boolean): Place {
  return {
    path,
    value,
    previous,
    pair: place.pair && isMatched ? [value, previous] : undefined,
    above: place.pair ?? place.above,
  };
}

function messageOf({ message, rule }: { readonly message?: string; readonly rule: string }): string {
  return message?.trim() || `failed rule: ${rule.trim()}`;
}

function forReason(path: string, valueType: string, detail: string, reason: string | undefined): FieldError {
  if (reason === "FieldValueForbidden") return fieldError.forbidden(path, detail);
  if (reason === "FieldValueRequired") return fieldError.required(path, detail);
  if (reason === "FieldValueDuplicate") return fieldError.duplicate(path, valueType);
  return fieldError.invalid(path, valueType, detail);
}

/** Kubernetes' name of the whole object in field errors. */
const nameOf = (path: string) => path || "<nil>";
const join = (path: string, key: string) => (path === "" ? key : `${path}.${key}`);

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keyOf(element: unknown, keys: readonly string[]): string {
  return jsonText(keys.map((key) => (isRecord(element) && Object.hasOwn(element, key) ? element[key] : null)));
}
