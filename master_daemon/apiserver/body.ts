import { parseJson } from "../../core/api/json.ts";
import { isJsonObject, jsonCopy } from "../../core/api/json_object.ts";
import { apiVersionOf, type Kind } from "../../core/api/kind.ts";
import type { Json, JsonObject, KubeObject } from "../../core/api/meta.ts";
import { isReason, StatusError } from "../../core/api/status.ts";
import { ObjectBody } from "../../core/client/object_body.ts";
import { type ApiRequest, readBody } from "../../core/client/transport.ts";
import { mediaTypeOf } from "./negotiate.ts";

const protobufMediaType = "application/vnd.kubernetes.protobuf";
const openBrace = 0x7b;
const objectMediaTypes = ["application/json", "application/yaml", protobufMediaType];

/** All of a request's body. @throws StatusError RequestEntityTooLarge past the limit */
async function readLimited(request: ApiRequest, limitBytes: number): Promise<Uint8Array> {
  if (request.body instanceof ObjectBody) return request.body.toBytes();
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > limitBytes) throw StatusError.tooLarge(limitBytes);
  try {
    return await readBody(request.body, limitBytes);
  } catch (error) {
    if (error instanceof RangeError) throw StatusError.tooLarge(limitBytes);
    throw error;
  }
}

/**
 * Reads a body that is JSON.
 *
 * @param onDuplicate see `JsonLimits`
 * @throws StatusError BadRequest, RequestEntityTooLarge
 */
export async function readJson(
  request: ApiRequest,
  limitBytes: number,
  onDuplicate?: (path: string) => void,
): Promise<Json> {
  if (!(request.body instanceof ObjectBody)) return parseJson(await readLimited(request, limitBytes), { onDuplicate });
  try {
    return jsonCopy(request.body.value, { maxBytes: limitBytes });
  } catch (error) {
    if (error instanceof RangeError) throw StatusError.tooLarge(limitBytes);
    throw error;
  }
}

/**
 * Reads a body as JSON, YAML or protobuf, as its Content-Type says; without one it is JSON.
 *
 * @param onDuplicate see `JsonLimits`
 * @returns undefined for an empty body
 * @throws StatusError UnsupportedMediaType, BadRequest, RequestEntityTooLarge
 */
export async function readDocument(
  request: ApiRequest,
  limitBytes: number,
  onDuplicate?: (path: string) => void,
): Promise<Json | undefined> {
  if (request.headers["content-encoding"] && request.headers["content-encoding"] !== "identity")
    throw StatusError.unsupportedMediaType(objectMediaTypes);
  const type = mediaTypeOf(request.headers["content-type"]);
  // Refused before it is read: nothing could be done with it.
  if (type !== "" && !objectMediaTypes.includes(type)) throw StatusError.unsupportedMediaType(objectMediaTypes);
  if (request.body instanceof ObjectBody) return await readJson(request, limitBytes);
  const bytes = await readLimited(request, limitBytes);
  if (bytes.length === 0) return undefined;
  if (type === "application/yaml") return readYaml(bytes);
  return type === protobufMediaType ? readProtobuf(bytes) : parseJson(bytes, { onDuplicate });
}

async function readProtobuf(bytes: Uint8Array): Promise<Json> {
  // Loaded on use: only kubectl's generators and clients written in Go send it, and it brings a table along.
  const { decodeObject } = await import("../../core/api/protobuf/mod.ts");
  return decodeObject(bytes);
}

/** The YAML library takes some microseconds for each, and all of them at once. */
const maxYamlTokens = 200_000;

async function readYaml(bytes: Uint8Array, problem = "error converting YAML to JSON"): Promise<Json> {
  // Loaded on use: few requests are YAML, and the reader brings its library along.
  const { parseYaml } = await import("../../core/api/yaml_reader.ts");
  try {
    return parseYaml(new TextDecoder("utf-8", { fatal: true }).decode(bytes), "request body", {
      maxTokens: maxYamlTokens,
    });
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError)
      throw StatusError.badRequest(`${problem}: ${error.message}`);
    throw error;
  }
}

/**
 * Reads the body of an apply: YAML, of which JSON is a part.
 *
 * @throws StatusError BadRequest, RequestEntityTooLarge
 */
export async function readConfiguration(request: ApiRequest, limitBytes: number): Promise<JsonObject> {
  const bytes = await readLimited(request, limitBytes);
  const document = parseJsonFirst(bytes) ?? (await readYaml(bytes, "error decoding YAML")) ?? {};
  if (isJsonObject(document)) return document;
  throw StatusError.badRequest(
    `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${
      Array.isArray(document) ? "array" : typeof document
    } into Go value of type map[string]interface {}`,
  );
}

/** Most clients send JSON, which is read much faster. */
function parseJsonFirst(bytes: Uint8Array): Json | undefined {
  if (bytes[0] !== openBrace) return undefined;
  try {
    return parseJson(bytes);
  } catch (error) {
    if (isReason(error, "BadRequest")) return undefined;
    throw error;
  }
}

/**
 * The object of a create or update, with the kind that the path asks for.
 *
 * @throws StatusError BadRequest when it is no object, or of another kind
 */
export function objectOf(document: Json | undefined, kind: Pick<Kind, "group" | "version" | "kind">): JsonObject {
  const apiVersion = apiVersionOf(kind);
  if (document === undefined || !isJsonObject(document))
    throw StatusError.badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: expected an object`,
    );
  const own = (name: string) => (Object.hasOwn(document, name) ? document[name] : undefined) ?? "";
  const [sentVersion, sentKind] = [own("apiVersion"), own("kind")];
  if (typeof sentVersion !== "string" || typeof sentKind !== "string")
    throw StatusError.badRequest("couldn't get version/kind; json parse error: apiVersion and kind must be strings");
  if (sentVersion !== "" && sentVersion !== apiVersion)
    throw StatusError.badRequest(
      `the API version in the data (${sentVersion}) does not match the expected API version (${apiVersion})`,
    );
  if (sentKind !== "" && sentKind !== kind.kind)
    throw StatusError.badRequest(
      `${sentKind} in version "${kind.version}" cannot be handled as a ${kind.kind}: the kind in the data (${sentKind}) does not match the expected kind (${kind.kind})`,
    );
  return { ...document, apiVersion, kind: kind.kind };
}

/** @throws StatusError BadRequest when the body is about another namespace than the path */
export function inNamespace(
  object: KubeObject,
  kind: Pick<Kind, "namespaced">,
  namespace: string | undefined,
): KubeObject {
  const own = object.metadata.namespace;
  if (!kind.namespaced) {
    if (!own) return object;
    throw StatusError.badRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  if (own && own !== namespace)
    throw StatusError.badRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  return own || namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

/** @throws StatusError BadRequest when the body is about another object than the path */
export function named(object: KubeObject, name: string): KubeObject {
  const own = object.metadata.name;
  if (!own)
    throw StatusError.badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  if (own !== name)
    throw StatusError.badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
  return object;
}
