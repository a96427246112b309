import { describe, expect, it } from "vitest";
import { apiVersionOf } from "../../../../core/api/kind.ts";
import { conversions } from "../../../../core/api/protobuf/conversions.ts";
import { type FieldFacts, type MessageFacts, messageFacts, messages } from "../../../../core/api/protobuf/facts.ts";
import { loadSchema, type SchemaNode } from "../../../../core/api/schema.ts";
import { kinds } from "../../../../core/kinds/mod.ts";
import { readPackedAsset } from "../../../../core/platform/assets.ts";

const { definitions } = await loadSchema(readPackedAsset);
const shortName = (id: string) => id.split(".").slice(-3).join(".");
const schemas = new Map(Object.entries(definitions).map(([id, node]) => [shortName(id), node]));
/** Messages that are no types of the API: they are embedded in one, or only stand for a value. */
const internal = new Set(["TypeMeta", ...conversions.keys()]);
const embedded = new Set(
  [...messages().values()].flatMap((facts) =>
    [...facts.values()].filter(({ shape }) => shape === "embedded").map(({ type }) => type),
  ),
);

/** The fields of a message with those that are embedded, as JSON has them. */
function fieldsOf(facts: MessageFacts | undefined): readonly FieldFacts[] {
  return [...(facts?.values() ?? [])].flatMap((field) =>
    field.shape === "embedded" ? fieldsOf(messageFacts(field.type)) : [field],
  );
}

/** What the schema calls types that protobuf calls otherwise. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ["double", "number"],
  ["ExtraValue", "[]string"],
]);

/** What the schema must say of a field for its facts to be right. */
function typeOf({ shape, type }: Pick<FieldFacts, "shape" | "type">): string {
  if (shape === "list") return `[]${typeOf({ shape: "single", type })}`;
  if (shape === "map") return `{}${typeOf({ shape: "single", type })}`;
  return type === "bytes"
    ? "string"
    : type === "int32" || type === "int64"
      ? "integer"
      : type === "bool"
        ? "boolean"
        : (otherNames.get(type) ?? type);
}

function schemaTypeOf(node: SchemaNode | undefined): string {
  if (node?.$ref)
    return shortName(node.$ref)
      .replace(/^.*\.(Quantity|IntOrString|Time|MicroTime)$/, "$1")
      .replace(/^.*\.(FieldsV1|RawExtension|JSON)$/, "Raw");
  if (node?.type === "array") return `[]${schemaTypeOf(node.items)}`;
  if (node?.type === "object") return `{}${schemaTypeOf(node.additionalProperties)}`;
  return node?.type ?? "";
}

describe("messageFacts()", () => {
  // What is only ever answered is answered as JSON.
  const sent = kinds.filter(({ hidden, verbs }) => !hidden && (verbs === undefined || verbs.includes("create")));
  it.each(sent.map((kind) => [apiVersionOf(kind), kind.kind, kind] as const))(
    "knows %s %s, which is served and may be sent",
    (_version, _name, kind) => {
      expect(messageFacts(shortName(kind.schema))?.get(1)).toMatchObject({
        name: "metadata",
        type: "meta.v1.ObjectMeta",
      });
    },
  );

  it.each(["meta.v1.DeleteOptions", "meta.v1.Status", "autoscaling.v1.Scale", "policy.v1.Eviction", "core.v1.Binding"])(
    "knows %s, which is sent beside them",
    (type) => expect(messageFacts(type)).toBeDefined(),
  );

  it.each([...messages().keys()].filter((type) => !internal.has(type) && !embedded.has(type)))(
    "has the fields of %s that the API's schema has, and their types",
    (type) => {
      const { properties = {} } = schemas.get(type) ?? {};
      const wanted = Object.entries(properties).map(([name, node]) => [name, schemaTypeOf(node)] as const);
      const own = fieldsOf(messageFacts(type));
      // Kind and version of an object stand around its message.
      const outside =
        own.some(({ name }) => name === "metadata") || type === "meta.v1.DeleteOptions" ? ["apiVersion", "kind"] : [];
      expect(new Map(own.map((field) => [field.name, typeOf(field)]))).toEqual(
        new Map(wanted.filter(([name]) => !outside.includes(name))),
      );
    },
  );

  it("leads to messages that it knows, and to nothing that goes in a circle but schemas", () => {
    const visit = (type: string, above: readonly string[]) => {
      if (type === "apiextensions.v1.JSONSchemaProps" && above.includes(type)) return;
      expect(above).not.toContain(type);
      for (const field of messageFacts(type)?.values() ?? [])
        if (!/^(string|bytes|bool|int32|int64|double)$/.test(field.type)) {
          expect([...messages().keys()]).toContain(field.type);
          visit(field.type, [...above, type]);
        }
    };
    for (const kind of kinds) visit(shortName(kind.schema), []);
  });
});
