import { parseSelectorTerms } from "./label_selector_parser.ts";
import type { StringMap } from "./meta.ts";
import { StatusError } from "./status.ts";

export {
  labelValueErrors,
  qualifiedNameErrors,
  validateAnnotations,
  validateLabelSelector,
  validateLabels,
} from "./label_validation.ts";

/** One expression of a {@linkcode LabelSelector}. */
export interface LabelSelectorRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

/** A selector as it stands in objects. Empty selects everything; absent selects nothing. */
export interface LabelSelector {
  readonly matchLabels?: StringMap;
  readonly matchExpressions?: readonly LabelSelectorRequirement[];
}

/** How one term of a selector compares. `=` and `==` are the same but print as written. */
export type SelectorOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";

/** One term of a parsed selector. */
export interface SelectorTerm {
  readonly key: string;
  readonly operator: SelectorOperator;
  readonly values: readonly string[];
}

/** A selector ready to be asked. */
export interface Selector {
  /** Whether every term holds for `labels`. */
  matches(labels: StringMap | undefined): boolean;
  /** The selector as kubectl's `-l` takes it, terms sorted by key. */
  toString(): string;
  /** Whether it selects everything. */
  readonly empty: boolean;
}

/** Selects every object. */
const selectEverything: Selector = { matches: () => true, toString: () => "", empty: true };
/** Selects no object. */
const selectNothing: Selector = { matches: () => false, toString: () => "", empty: false };

/**
 * Reads a selector as it stands in a query or after `-l`: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
 *
 * @throws StatusError `BadRequest` with Kubernetes' text
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function parseLabelSelector(text: string): Selector {
  return selectorOf(parseSelectorTerms(text));
}

/**
 * The selector of an object's `spec.selector`: absent selects nothing, empty everything.
 *
 * @throws StatusError `BadRequest` for an unknown operator
 */
export function selectorFromObject(selector: LabelSelector | undefined): Selector {
  if (!selector) return selectNothing;
  const terms: SelectorTerm[] = equalTerms(selector.matchLabels);
  for (const { key, operator, values = [] } of selector.matchExpressions ?? [])
    terms.push({ key, operator: objectOperator(operator), values });
  return selectorOf(terms);
}

/** The selector of a plain map (Service, `nodeSelector`): every pair must be there; an empty or absent map selects everything. */
export function selectorFromMap(map: StringMap | undefined): Selector {
  return selectorOf(equalTerms(map));
}

/** A selector as kubectl prints it in columns: `<none>` when absent or empty, `<error>` when it cannot be read. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  try {
    return selectorFromObject(selector).toString() || "<none>";
  } catch {
    return "<error>";
  }
}

function equalTerms(map: StringMap | undefined): SelectorTerm[] {
  return Object.entries(map ?? {}).map(([key, value]) => ({ key, operator: "=", values: [value] }));
}

function objectOperator(operator: string): SelectorOperator {
  switch (operator) {
    case "In":
      return "in";
    case "NotIn":
      return "notin";
    case "Exists":
      return "exists";
    case "DoesNotExist":
      return "!";
    default:
      throw StatusError.badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
  }
}

function selectorOf(unsorted: readonly SelectorTerm[]): Selector {
  if (unsorted.length === 0) return selectEverything;
  const terms = unsorted.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const tests = terms.map(termTest);
  return {
    matches: (labels) => tests.every((test) => test(labels)),
    toString: () => terms.map(termText).join(","),
    empty: false,
  };
}

function termTest({ key, operator, values }: SelectorTerm): (labels: StringMap | undefined) => boolean {
  // Labels come from users: only own members count, or `toString` would be a label of every object.
  const value = (labels: StringMap | undefined) => (labels && Object.hasOwn(labels, key) ? labels[key] : undefined);
  const first = values[0] ?? "";
  switch (operator) {
    case "=":
    case "==":
      return (labels) => value(labels) === first;
    case "!=":
      return (labels) => value(labels) !== first;
    case "exists":
      return (labels) => value(labels) !== undefined;
    case "!":
      return (labels) => value(labels) === undefined;
    case "in":
    case "notin": {
      const set = new Set(values);
      const wanted = operator === "in";
      return (labels) => {
        const actual = value(labels);
        return (actual !== undefined && set.has(actual)) === wanted;
      };
    }
    case ">":
    case "<": {
      const limit = BigInt(first);
      return (labels) => {
        const actual = parseInt64(value(labels));
        return actual !== undefined && (operator === ">" ? actual > limit : actual < limit);
      };
    }
  }
}

function termText({ key, operator, values }: SelectorTerm): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${values.toSorted().join(",")})`;
    default:
      return `${key}${operator}${values[0] ?? ""}`;
  }
}

function parseInt64(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[-+]?[0-9]{1,19}$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
}
