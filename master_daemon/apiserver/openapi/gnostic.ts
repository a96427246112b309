import { jsonText } from "../../../core/api/json_text.ts";
import type { Operation } from "./operations.ts";
import { ProtoWriter } from "./proto_writer.ts";
import { inSlices } from "./slices.ts";
import type { V2Document, V2Operation, V2Parameter, V2Path, V2Schema } from "./v2_document.ts";

/**
 * A Swagger document in the protobuf form that kubectl up to 1.28 asks for.
 *
 * @see https://github.com/google/gnostic, openapiv2/OpenAPIv2.proto for the field numbers
 */
export async function encodeGnostic({ swagger, info, paths, definitions }: V2Document): Promise<Uint8Array> {
  const to = new ProtoWriter();
  to.text(1, swagger);
  to.message(2, info, ({ title, version }) => {
    to.text(1, title);
    to.text(2, version);
  });
  to.bytes(8, await entriesOf(2, paths, writePath));
  to.bytes(9, await entriesOf(1, definitions, writeSchema));
  return to.finish();
}

async function entriesOf<T>(
  field: number,
  map: Readonly<Record<string, T>>,
  write: (value: T, to: ProtoWriter) => void,
): Promise<Uint8Array> {
  const to = new ProtoWriter();
  for await (const slice of inSlices(Object.entries(map))) to.entries(field, Object.fromEntries(slice), write);
  return to.finish();
}

const methodFields: readonly (readonly [Operation["method"], number])[] = [
  ["get", 2],
  ["put", 3],
  ["post", 4],
  ["delete", 5],
  ["patch", 8],
];

function writePath(path: V2Path, to: ProtoWriter): void {
  for (const [method, field] of methodFields) to.message(field, path[method], writeOperation);
  for (const parameter of path.parameters) to.message(9, parameter, writeParameter);
}

function writeOperation(operation: V2Operation, to: ProtoWriter): void {
  to.text(5, operation.operationId);
  for (const parameter of operation.parameters) to.message(8, parameter, writeParameter);
  to.message(9, operation.responses, (responses) => {
    // NamedResponseValue{2 value: ResponseValue{1 response: Response{1 description, 2 schema: SchemaItem{1 schema}}}}
    to.entries(1, responses, (value) =>
      to.message(1, value, ({ description, schema }) => {
        to.text(1, description);
        to.message(2, schema, (found) => to.message(1, found, writeSchema));
      }),
    );
  });
  writeExtensions(13, operation, to);
}

/** ParametersItem{1 parameter: Parameter{1 body, 2 non_body: NonBodyParameter{3 query, 4 path}}}. */
function writeParameter(parameter: V2Parameter, to: ProtoWriter): void {
  to.message(1, parameter, () => {
    if (parameter.in === "body") to.message(1, parameter, writeBody);
    else if (parameter.in === "query") to.message(2, parameter, () => to.message(3, parameter, writeNonBody));
    else to.message(2, parameter, () => to.message(4, parameter, writeNonBody));
  });
}

function writeBody(parameter: V2Parameter, to: ProtoWriter): void {
  to.text(2, parameter.name);
  to.text(3, parameter.in);
  to.flag(4, parameter.required);
  to.message(5, parameter.schema, writeSchema);
}

function writeNonBody(parameter: V2Parameter, to: ProtoWriter): void {
  to.flag(1, parameter.required);
  to.text(2, parameter.in);
  to.text(4, parameter.name);
  to.text(parameter.in === "query" ? 6 : 5, parameter.type);
}

function writeSchema(schema: V2Schema, to: ProtoWriter): void {
  to.text(1, schema.$ref);
  to.text(2, schema.format);
  to.text(4, schema.description);
  for (const name of schema.required ?? []) to.text(19, name);
  for (const value of schema.enum ?? []) to.message(20, value, writeAny);
  to.message(21, schema.additionalProperties, (values) => to.message(1, values, writeSchema));
  to.message(22, schema.type, (type) => to.text(1, type));
  to.message(23, schema.items, (items) => to.message(1, items, writeSchema));
  to.message(25, schema.properties, (properties) => to.entries(1, properties, writeSchema));
  writeExtensions(31, schema, to);
}

function writeExtensions(field: number, holder: object, to: ProtoWriter): void {
  const extensions = Object.entries(holder).filter(([name]) => name.startsWith("x-"));
  to.entries(field, Object.fromEntries(extensions), writeAny);
}

/** Any{2 yaml}: JSON is YAML. */
function writeAny(value: unknown, to: ProtoWriter): void {
  to.text(2, `${jsonText(value)}\n`);
}
