/** What expressions can call: the language's functions and Kubernetes' libraries, one file each. */
import type { FunctionSet, Overload } from "../overload.ts";
import { authorizerFunctions } from "./authorizer.ts";
import { compareFunctions } from "./compare.ts";
import { formatFunctions } from "./format.ts";
import { jsonPatchFunctions } from "./json_patch.ts";
import { listFunctions } from "./lists.ts";
import { networkFunctions } from "./network.ts";
import { optionalFunctions } from "./optionals.ts";
import { quantityFunctions } from "./quantity.ts";
import { regexFunctions } from "./regex.ts";
import { semverFunctions } from "./semver.ts";
import { standardFunctions } from "./standard.ts";
import { stringFunctions } from "./strings.ts";
import { timeFunctions } from "./times.ts";
import { urlFunctions } from "./url.ts";

/** Functions by name: as members (`x.f()`) and plain (`f(x)`, `ns.f(x)`). */
export interface FunctionTable {
  readonly global: ReadonlyMap<string, readonly Overload[]>;
  readonly member: ReadonlyMap<string, readonly Overload[]>;
}

/** Every function there is. */
export const functions: FunctionTable = tableOf([
  ...standardFunctions,
  ...compareFunctions,
  ...timeFunctions,
  ...stringFunctions,
  ...listFunctions,
  ...regexFunctions,
  ...urlFunctions,
  ...quantityFunctions,
  ...networkFunctions,
  ...formatFunctions,
  ...semverFunctions,
  ...optionalFunctions,
  ...authorizerFunctions,
  ...jsonPatchFunctions,
]);

function tableOf(sets: readonly FunctionSet[]): FunctionTable {
  const global = new Map<string, readonly Overload[]>();
  const member = new Map<string, readonly Overload[]>();
  for (const set of sets) {
    if (set.global) global.set(set.name, [...(global.get(set.name) ?? []), ...set.global]);
    if (set.member) member.set(set.name, [...(member.get(set.name) ?? []), ...set.member]);
  }
  return { global, member };
}
