import type { Doc } from "./definitions.ts";
import { renameReferences, type V2Part } from "./remote_document.ts";
import type { V2Operation, V2Parameter, V2Path } from "./v2_document.ts";

/**
 * The OpenAPI 3.0 document of a group and version of a server that has but the older form.
 *
 * @see k8s.io/kube-openapi/pkg/openapiconv ConvertV2ToV3
 */
export function v3FromV2({ paths, definitions }: V2Part, version: string): Doc {
  const moved = <T>(value: T): T => renameReferences(value, (name) => `#/components/schemas/${name}`);
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version },
    paths: Object.fromEntries(Object.entries(moved(paths)).map(([path, item]) => [path, convertPath(item)])),
    components: { schemas: moved(definitions) },
  };
}

function convertPath({ parameters, ...operations }: V2Path): Doc {
  return {
    ...Object.fromEntries(
      Object.entries(operations).map(([method, operation]) => [method, convertOperation(operation as V2Operation)]),
    ),
    ...(parameters.length > 0 ? { parameters: parameters.map(convertParameter) } : {}),
  };
}

function convertOperation({ parameters, responses, ...rest }: V2Operation): Doc {
  const body = parameters.find((one) => one.in === "body");
  const others = parameters.filter((one) => one.in !== "body");
  return {
    ...rest,
    ...(others.length > 0 ? { parameters: others.map(convertParameter) } : {}),
    ...(body?.schema ? { requestBody: { content: { "*/*": { schema: body.schema } } } } : {}),
    responses: Object.fromEntries(
      Object.entries(responses).map(([code, { description, schema }]) => [
        code,
        { description, ...(schema ? { content: { "application/json": { schema } } } : {}) },
      ]),
    ),
  };
}

function convertParameter({ name, in: place, required, type = "string", description }: V2Parameter): Doc {
  return {
    name,
    in: place,
    ...(description ? { description } : {}),
    ...(required ? { required } : {}),
    schema: { type, uniqueItems: true },
  };
}
