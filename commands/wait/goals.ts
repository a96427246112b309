import { asJson } from "../../core/api/json_object.ts";
import { parseJsonPath } from "../../core/api/json_path.ts";
import type { Condition, KubeObject } from "../../core/api/meta.ts";
import { UsageError } from "../verb.ts";

/** What to wait for: that an object is there, that it is gone, or that it is in a state. */
export type Goal =
  | { readonly kind: "create" }
  | { readonly kind: "delete" }
  | {
      readonly kind: "state";
      readonly text: string /** @throws UsageError when it can never be told */;
      isMet(object: KubeObject): boolean;
    };

/** The goals that the values of `--for` name, in order. @throws UsageError for one that is not known */
export function parseGoals(texts: readonly string[]): readonly Goal[] {
  if (texts.length === 0) throw new UsageError("unrecognized condition: []");
  return texts.map((text) => {
    const lower = text.toLowerCase();
    if (lower === "create" || lower === "delete") return { kind: lower };
    if (text.startsWith("condition="))
      return { kind: "state", text, isMet: conditionGoal(text.slice("condition=".length)) };
    if (text.startsWith("jsonpath="))
      return { kind: "state", text, isMet: jsonPathGoal(text.slice("jsonpath=".length)) };
    throw new UsageError(`unrecognized condition: "${text}"; use --for=condition=${text}`);
  });
}

interface ConditionedObject extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number };
}

function conditionGoal(text: string): (object: KubeObject) => boolean {
  const equals = text.indexOf("=");
  const [type, wanted] = equals < 0 ? [text, "true"] : [text.slice(0, equals), text.slice(equals + 1)];
  return (object) => {
    const { metadata, status = {} } = object as ConditionedObject;
    const condition = status.conditions?.find((one) => one.type.toLowerCase() === type.toLowerCase());
    if (!condition) return false;
    // A condition that was judged on an older spec says nothing about this one.
    const observed = condition.observedGeneration ?? status.observedGeneration;
    if (observed !== undefined && observed < (metadata.generation ?? 0)) return false;
    return condition.status.toLowerCase() === wanted.toLowerCase();
  };
}

function jsonPathGoal(text: string): (object: KubeObject) => boolean {
  const parts = splitAtEquals(text);
  const [expression = "", value] = parts;
  if (parts.length > 2)
    throw new UsageError(
      "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
    );
  const relaxed = relaxedJsonPath(expression);
  const wanted = value?.replace(/^['"]+|['"]+$/g, "");
  if (wanted === "")
    throw new UsageError(
      "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
    );
  if (relaxed === "") throw new UsageError("jsonpath expression cannot be empty");
  const path = parseJsonPath(relaxed, { allowMissingKeys: true });
  return (object) => {
    const found = path.find(asJson(object));
    const [first] = found;
    if (!first || first.length === 0) return false;
    if (found.length > 1) throw new UsageError("given jsonpath expression matches more than one list");
    if (first.length > 1) throw new UsageError("given jsonpath expression matches more than one value");
    if (wanted === undefined) return true;
    const [one] = first;
    if (typeof one === "object" && one !== null)
      throw new UsageError("jsonpath leads to a nested object or list which is not supported");
    return (one === null ? "<nil>" : String(one)).trim() === wanted.trim();
  };
}

/** An expression with its braces and its first dot, whether they were written or not. @throws UsageError */
function relaxedJsonPath(text: string): string {
  if (text === "") return "";
  const [, braced, bare] = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(text) ?? [];
  const fields = braced ?? bare;
  if (fields === undefined)
    throw new UsageError(
      "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'",
    );
  return `{.${fields}}`;
}

/** Parts between single equals signs; a double one belongs to the expression. */
function splitAtEquals(text: string): readonly string[] {
  return text.split(/(?<!=)=(?!=)|(?<===)=(?!=)/);
}
