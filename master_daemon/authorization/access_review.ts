import { parseFieldSelector } from "../../core/api/fields.ts";
import { parseSelectorTerms } from "../../core/api/label_selector_parser.ts";
import type { SelectorOperator } from "../../core/api/labels.ts";
import type { Json, JsonObject } from "../../core/api/meta.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import type { Attributes, ResourceAttributes } from "./authorizer.ts";

/** Verbs that selectors can narrow. */
const selecting: readonly string[] = ["list", "watch", "deletecollection"];

/** A question to an authorizer as the `spec` of a SubjectAccessReview. */
export function accessReviewSpec(user: UserInfo, attributes: Attributes): JsonObject {
  const { username, uid, groups, extra } = user;
  return present({
    ...(attributes.type === "resource"
      ? { resourceAttributes: resourceOf(attributes) }
      : { nonResourceAttributes: { path: attributes.path, verb: attributes.verb } }),
    user: username,
    groups: groups.length > 0 ? groups : undefined,
    extra: extra && Object.keys(extra).length > 0 ? extra : undefined,
    uid,
  });
}

function resourceOf(attributes: ResourceAttributes): JsonObject {
  const { verb, namespace, group, version, resource, subresource, name, fieldSelector, labelSelector } = attributes;
  const isSelecting = selecting.includes(verb);
  const fields = isSelecting ? requirements(fieldSelector, fieldRequirements) : undefined;
  const labels = isSelecting ? requirements(labelSelector, labelRequirements) : undefined;
  return present({
    namespace,
    verb,
    group,
    version,
    resource,
    subresource,
    name,
    fieldSelector: fields && { requirements: fields },
    labelSelector: labels && { requirements: labels },
  });
}

/** Undefined when there is nothing that narrows: what cannot be read does not, and is refused when it is served. */
function requirements(
  text: string | undefined,
  read: (text: string) => readonly JsonObject[],
): readonly JsonObject[] | undefined {
  if (!text) return undefined;
  try {
    const all = read(text);
    return all.length > 0 ? all : undefined;
  } catch {
    return undefined;
  }
}

function fieldRequirements(text: string): readonly JsonObject[] {
  return parseFieldSelector(text).terms.map(({ field, operator, value }) => ({
    key: field,
    operator: operator === "=" ? "In" : "NotIn",
    values: [value],
  }));
}

const labelOperators: ReadonlyMap<SelectorOperator, string> = new Map<SelectorOperator, string>([
  ["=", "In"],
  ["==", "In"],
  ["in", "In"],
  ["!=", "NotIn"],
  ["notin", "NotIn"],
  ["exists", "Exists"],
  ["!", "DoesNotExist"],
]);

/** Those that compare numbers have no operator there: leaving them out asks for more than is needed, never for less. */
function labelRequirements(text: string): readonly JsonObject[] {
  return parseSelectorTerms(text).flatMap(({ key, operator, values }) => {
    const name = labelOperators.get(operator);
    return name === undefined ? [] : [{ key, operator: name, ...(values.length > 0 ? { values } : {}) }];
  });
}

/** Only what says something. */
function present(object: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, Json] => entry[1] !== undefined && entry[1] !== ""),
  );
}
