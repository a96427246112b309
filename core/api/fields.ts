import { StatusError } from "./status.ts";

/** One term of a field selector. */
export interface FieldTerm {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** A field selector ready to be asked. */
export interface FieldSelector {
  readonly terms: readonly FieldTerm[];
  /** Whether it selects everything. */
  readonly empty: boolean;
  /** Whether every term holds; a field that is not in `fields` counts as `""`. */
  matches(fields: Readonly<Record<string, string>>): boolean;
  /** The value that `field` must have, when a term demands one: lets a caller look the object up instead of scanning. */
  exact(field: string): string | undefined;
  toString(): string;
}

/** The fields that every kind can be selected by. */
const metadataFields: readonly string[] = ["metadata.name", "metadata.namespace"];

/**
 * Reads a field selector: `status.phase=Running,spec.nodeName!=n1`. A backslash escapes `,`, `=` and itself in values.
 *
 * @throws StatusError `BadRequest` with Kubernetes' text
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
 */
export function parseFieldSelector(text: string): FieldSelector {
  const terms = splitTerms(text).map((term) => parseTerm(term, text));
  return {
    terms,
    empty: terms.length === 0,
    matches: (fields) =>
      terms.every(({ field, operator, value }) => {
        const actual = Object.hasOwn(fields, field) ? fields[field] : "";
        return (actual === value) === (operator === "=");
      }),
    exact: (name) => terms.find(({ field, operator }) => field === name && operator === "=")?.value,
    toString: () => terms.map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`).join(","),
  };
}

/**
 * Refuses a selector that asks for a field which the kind does not offer.
 *
 * @param known the kind's own fields, beside {@linkcode metadataFields}
 * @param isCustom whether the kind is of custom resources, of which Kubernetes says less
 * @throws StatusError `BadRequest`
 */
export function checkFieldSelector(selector: FieldSelector, known: readonly string[], isCustom = false): void {
  for (const { field } of selector.terms)
    if (!metadataFields.includes(field) && !known.includes(field))
      throw StatusError.badRequest(
        known.length > 0 || isCustom
          ? `field label not supported: ${field}`
          : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
      );
}

/** Splits at commas that are not escaped; empty terms are dropped. */
function splitTerms(text: string): readonly string[] {
  const terms: string[] = [];
  let start = 0;
  for (let index = 0; index <= text.length; index++) {
    if (text[index] === "\\") index++;
    else if (index === text.length || text[index] === ",") {
      if (index > start) terms.push(text.slice(start, index));
      start = index + 1;
    }
  }
  if (start < text.length) terms.push(text.slice(start));
  return terms;
}

function parseTerm(term: string, text: string): FieldTerm {
  const at = term.search(/!=|=/);
  if (at < 0) throw StatusError.badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
  const operator = term[at] === "!" ? "!=" : "=";
  const length = operator === "!=" || term[at + 1] === "=" ? 2 : 1;
  return { field: term.slice(0, at), operator, value: unescapeValue(term.slice(at + length)) };
}

function unescapeValue(value: string): string {
  let result = "";
  for (let index = 0; index < value.length; index++) {
    const char = value[index] ?? "";
    if (char === "\\") {
      const escaped = value[++index] ?? "";
      if (escaped !== "\\" && escaped !== "," && escaped !== "=")
        throw StatusError.badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
      result += escaped;
    } else if (char === "=")
      throw StatusError.badRequest(`invalid field selector: unescaped character in value: ${char}`);
    else result += char;
  }
  return result;
}

/** A value as it stands in a field selector. */
export function escapeValue(value: string): string {
  return value.replace(/[\\,=]/g, "\\$&");
}
