import { asJson, asObject } from "../../core/api/json_object.ts";
import type { Kind } from "../../core/api/kind.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import type { ApiSchema } from "../../core/api/schema.ts";
import { StatusError } from "../../core/api/status.ts";
import { decodeErrorText, strictErrorText, validateAndPrune } from "../../core/api/validate_and_prune.ts";

/** An object as patches are applied to it: with the type that it is of. */
export function typedObject(kind: Kind, object: KubeObject): JsonObject {
  return asJson({ ...object, kind: object.kind ?? kind.kind });
}

/**
 * What a patch made of an object, as an object of its kind, with defaults.
 *
 * @param options.strict whether fields that the kind does not have are refused; else they are dropped
 * @throws StatusError InternalError when it is none
 */
export function readPatched(
  kind: Kind,
  patched: JsonObject,
  { schema, strict = false }: { readonly schema: ApiSchema; readonly strict?: boolean },
): KubeObject {
  const { object, unknownFields, typeError } = kind.prune
    ? kind.prune(patched)
    : validateAndPrune(schema, kind.schema, patched);
  if (typeError !== undefined) throw StatusError.internal(decodeErrorText(kind, typeError));
  if (strict && unknownFields.length > 0 && !kind.custom)
    throw StatusError.internal(strictErrorText(unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`)));
  return kind.strategy.applyDefaults(asObject(object));
}
