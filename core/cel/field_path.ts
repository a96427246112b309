import type { StructuralSchema } from "./schema_type.ts";

const maxLength = 1024;

/**
 * The `fieldPath` of a rule as field errors write it (`.spec['a.b']` is `.spec.a.b`), or undefined when it names no field
 * of the schema.
 */
export function fieldPathOf(text: string, schema: StructuralSchema): string | undefined {
  if (text.length > maxLength) return undefined;
  let rest = text;
  let at: StructuralSchema | undefined = schema;
  let path = "";
  while (rest !== "") {
    const step = /^(?:\.([^.[\]']+)|\['((?:[^'\\]|\\.)*)'\])/.exec(rest);
    if (!step || at === undefined) return undefined;
    const name = step[1] ?? (step[2] ?? "").replace(/\\(.)/g, "$1");
    const isProperty: boolean = at.properties !== undefined;
    at = isProperty ? ownProperty(at, name) : additional(at);
    if (at === undefined) return undefined;
    path += isProperty ? `.${name}` : `[${name}]`;
    rest = rest.slice(step[0].length);
  }
  return path;
}

function ownProperty({ properties }: StructuralSchema, name: string): StructuralSchema | undefined {
  return properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function additional({ additionalProperties }: StructuralSchema): StructuralSchema | undefined {
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}
