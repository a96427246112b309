import { describe, expect, it } from "vitest";
import { apiVersionOf, type Kind, type ValidationContext } from "../../../core/api/kind.ts";
import type { JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { applyMergePatch as mergePatch } from "../../../core/api/patch/mod.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { samples } from "./samples.ts";

/** What is refused of a kind: how its sample is changed, and what is said of that. */
export type Refusals = readonly [
  kind: string,
  cases: readonly (readonly [what: string, change: JsonObject, errors: readonly string[]])[],
];

const uid = "41a14739-0e63-422c-beaa-b8e4b2ac506a";
const byName = new Map(kinds.map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, kind]));

/** A kind by the name that its objects write: `apps/v1/Deployment`. */
export function kindOf(name: string): Kind {
  const kind = byName.get(name);
  if (!kind) throw new Error(`${name} is not served`);
  return kind;
}

/** The sample of a kind as a client sends it, changed by a merge patch. */
function sent(name: string, change: JsonObject = {}): KubeObject {
  const metadata = { name: "web", namespace: "default", uid };
  const object = { apiVersion: name.slice(0, name.lastIndexOf("/")), kind: kindOf(name).kind, metadata };
  return mergePatch({ ...object, ...samples.get(name)?.body }, change) as unknown as KubeObject;
}

/** An object as it is stored when it is created. */
export function stored(name: string, change?: JsonObject): KubeObject {
  const { strategy } = kindOf(name);
  return strategy.prepareForCreate(strategy.applyDefaults(sent(name, change)));
}

/** Errors as `field: message`. */
export function texts(errors: readonly { readonly field: string; readonly message: string }[]): string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

export const context: ValidationContext = { localRanges: [] };

/** What is said of a new object: the sample of a kind, changed by a merge patch. */
export function errorsOf(name: string, change?: JsonObject): string[] {
  return texts(kindOf(name).strategy.validate(stored(name, change), context));
}

/** What is said of an update of a created object: `change` is to what it became. */
export function updateErrorsOf(name: string, change: JsonObject, status?: JsonObject): string[] {
  const { strategy } = kindOf(name);
  const previous = { ...stored(name), ...(status ? { status } : {}) } as KubeObject;
  const next = strategy.applyDefaults(mergePatch(previous as unknown as JsonObject, change) as unknown as KubeObject);
  return texts([...strategy.validate(next, context, previous), ...strategy.validateUpdate(next, previous, context)]);
}

/** What is said of a status that is written over `previous`. */
export function statusErrorsOf(
  name: string,
  status: JsonObject,
  previous: JsonObject = {},
  change?: JsonObject,
): string[] {
  const object = stored(name, change);
  const next = { ...object, status } as KubeObject;
  return texts(
    kindOf(name).strategy.validateStatusUpdate(next, { ...object, status: previous } as KubeObject, context),
  );
}

/** A test for each refusal. */
export function describeRefusals(table: readonly Refusals[]): void {
  describe.each(table)("%s", (name, cases) => {
    it.each(cases)("is refused with %s", (_, change, errors) => {
      expect(errorsOf(name, change)).toEqual(errors);
    });
  });
}
