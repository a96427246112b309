import { atomicParts, checkApplied, mergeObjects, mergeTypeOf } from "../../../core/api/apply/mod.ts";
import { apiVersionOf, type Kind } from "../../../core/api/kind.ts";
import type { JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { applyJsonPatch, isFailedTest } from "../../../core/api/patch/mod.ts";
import type { ApiSchema } from "../../../core/api/schema.ts";
import { StatusError } from "../../../core/api/status.ts";
import { CelError } from "../../../core/cel/mod.ts";
import { toJson } from "../../../core/cel/to_json.ts";
import { CelMap, isList, LiteralMap, type Value } from "../../../core/cel/values.ts";
import { readPatched, typedObject } from "../_patched.ts";

/** An object that a mutation changes. */
export interface Mutated {
  readonly kind: Kind;
  readonly object: KubeObject;
  readonly schema: ApiSchema;
}

/**
 * Merges what an apply configuration's expression gives into an object, as server-side apply does; nobody owns it after.
 *
 * @param value an `Object{…}`
 * @throws CelError when it does not fit, StatusError when what comes of it is no object of the kind
 * @see k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go
 */
export function applyConfigurationValue(value: Value, { kind, object, schema }: Mutated): KubeObject {
  // First: what is too large is not looked through.
  const made = toJson(value) as JsonObject;
  const wrong = misnamed(value, ["Object"]);
  if (wrong.length > 0) throw new CelError(`type mismatch: ${wrong.join("\n")}`);
  const config = { ...made, apiVersion: apiVersionOf(kind), kind: kind.kind };
  const type = mergeTypeOf(kind, { schema });
  const problem = checkApplied(config, type);
  if (problem !== undefined)
    throw new CelError(`error applying patch: failed to convert patch object to typed object: ${problem}`);
  const atomic = atomicParts(config, type);
  if (atomic.length > 0)
    throw new CelError(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(", ")}`,
    );
  return readPatched(kind, mergeObjects(typedObject(kind, object), config, type), { schema });
}

/**
 * Applies the operations that a JSON patch's expression gives. A `test` among them that fails leaves the object as it is.
 *
 * @param value a list of `JSONPatch{…}`
 * @throws CelError when they do not apply, StatusError when what comes of it is no object of the kind
 * @see k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/json_patch.go
 */
export function applyJsonPatchValue(value: Value, { kind, object, schema }: Mutated): KubeObject {
  if (!isList(value)) throw new CelError("type mismatch: JSONPatchType.expression should evaluate to array");
  const operations = value.map(operationOf);
  if (operations.length === 0) return object;
  let patched: JsonObject;
  try {
    patched = applyJsonPatch(typedObject(kind, object), operations);
  } catch (error) {
    if (isFailedTest(error)) return object;
    if (error instanceof StatusError) throw new CelError(`JSON Patch: ${error.message}`, { cause: error });
    throw error;
  }
  return readPatched(kind, patched, { schema, strict: true });
}

function operationOf(value: Value): JsonObject {
  if (!(value instanceof CelMap) || value.typeName !== "JSONPatch")
    throw new CelError("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch");
  const text = (name: string): string => {
    const member = value.get(name) ?? "";
    if (typeof member !== "string") throw new CelError(`unexpected type for JSONPatchType '${name}' field`);
    return member;
  };
  const [from, made] = [text("from"), value.get("value")];
  const json = made === undefined ? undefined : toJson(made);
  if (made !== undefined && typeNameOfObject(made)) {
    const wrong = misnamed(made, [typeNameOfObject(made) ?? ""]);
    if (wrong.length > 0) throw new CelError(`type mismatch: ${wrong.join("\n")}`);
  }
  return {
    op: text("op"),
    path: text("path"),
    ...(from ? { from } : {}),
    ...(json === undefined ? {} : { value: json }),
  };
}

function typeNameOfObject(value: Value): string | undefined {
  return value instanceof CelMap && /^Object(\.|$)/.test(value.typeName) ? value.typeName : undefined;
}

/** Messages whose name is not that of the field they stand in: `Object.spec{selector: Object.spec.wrong{}}`. */
function misnamed(value: Value, path: readonly string[]): readonly string[] {
  if (isList(value)) return value.flatMap((item) => misnamed(item, path));
  const name = typeNameOfObject(value);
  // No part of the object that is changed has a name.
  if (!(value instanceof LiteralMap)) return [];
  const expected = path.join(".");
  const own =
    name === undefined || name === expected
      ? []
      : [
          `unexpected type name ${JSON.stringify(name)}, expected ${JSON.stringify(expected)}, which matches field name path from root Object type`,
        ];
  const below = value.keys().flatMap((key) => {
    const at = name === undefined || typeof key !== "string" ? path : [...path, key];
    return misnamed(value.get(key) ?? null, at);
  });
  return [...own, ...below];
}
