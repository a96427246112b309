import { asObject, isJsonObject } from "../../../core/api/json_object.ts";
import type { Kind } from "../../../core/api/kind.ts";
import type { JsonObject, KubeObject, ObjectKey } from "../../../core/api/meta.ts";
import { StatusError } from "../../../core/api/status.ts";
import { decodeErrorText, strictErrorText, validateAndPrune } from "../../../core/api/validate_and_prune.ts";
import { customResourceDefinition, isTrue } from "../../../core/kinds/custom_resource_definition.ts";
import { mutate, validate } from "../../admission/mod.ts";
import type { AdmissionRequest } from "../../admission/plugin.ts";
import type { RegistryUpdateOptions, Stored } from "../../registry/registry.ts";
import { objectOf, readDocument } from "../body.ts";
import { withOwners, withValidOwners } from "../field_owners.ts";
import type { FieldValidation, WriteOptions } from "../query.ts";
import { withoutRepeatedOwners } from "../repeated_owners.ts";
import { type ResourceRequest, routeKey } from "../services.ts";

type Settled = Parameters<Parameters<AdmissionRequest["onSettled"]>[0]>[0];

/**
 * The object of a body as its kind's schema has it: unknown fields are refused, told of, or dropped, as asked.
 *
 * @throws StatusError BadRequest for values of the wrong type, and for unknown fields when validation is strict
 */
export function checkObject(
  {
    services,
    kind,
  }: Pick<ResourceRequest, "services"> & { readonly kind: Pick<Kind, "version" | "kind" | "schema" | "prune"> },
  body: JsonObject,
  validation: FieldValidation,
  warnings: string[],
  duplicates: readonly string[] = [],
): KubeObject {
  const { object, unknownFields, typeError } = kind.prune
    ? kind.prune(body)
    : validateAndPrune(services.schema, kind.schema, body);
  if (typeError !== undefined) throw StatusError.badRequest(decodeErrorText(kind, typeError));
  const problems = [
    ...duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`),
    ...unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`),
  ];
  if (problems.length > 0 && validation !== "Ignore") {
    if (validation === "Strict") throw StatusError.badRequest(decodeErrorText(kind, strictErrorText(problems)));
    warnings.push(...problems);
  }
  return asObject(isJsonObject(object["metadata"]) ? object : { ...object, metadata: {} });
}

/** The object that a request sends, as its kind's schema has it. @throws StatusError */
export async function readObject(
  { services, request, warnings }: Pick<ResourceRequest, "services" | "request" | "warnings">,
  kind: Pick<Kind, "group" | "version" | "kind" | "schema" | "prune">,
  validation: FieldValidation,
): Promise<KubeObject> {
  const duplicates: string[] = [];
  const onDuplicate = validation === "Ignore" ? undefined : (path: string) => void duplicates.push(path);
  const body = objectOf(await readDocument(request, services.maxBodyBytes, onDuplicate), kind);
  const object = checkObject({ services, kind }, body, validation, warnings, duplicates);
  return withoutRepeatedOwners(object, (text) => warnings.push(text));
}

/** How an object is written. */
export interface WriteObjectOptions extends Pick<WriteOptions, "dryRun"> {
  /** The object comes from an apply, which has noted the owners of its fields already. */
  readonly isApplied?: boolean;
}

/**
 * Creates an object: defaults, owners of its fields, admission, then the registry. What admission and the registry add is
 * nobody's.
 */
export async function createObject(
  r: ResourceRequest,
  object: KubeObject,
  { dryRun, isApplied = false }: WriteObjectOptions,
): Promise<Stored> {
  const { kind, registry, user, services } = r;
  const key = { ...routeKey(r), name: object.metadata.name ?? "" };
  if (kind.custom) await refuseWhileTerminating(kind.custom.definition, services);
  return settling(dryRun, async (onSettled) => {
    const admission = admissionRequest(r, { operation: "CREATE", key, dryRun, onSettled });
    const complete = kind.strategy.applyDefaults(object);
    const owned = isApplied ? complete : await withOwners(r, undefined, complete);
    const admitted = await mutate(services.admission, { ...admission, object: owned, previous: undefined });
    return registry.create(withValidOwners(owned, onceOwned(admitted, admission), admission.warn), {
      user,
      dryRun,
      admit: (next) => admit(r, { ...admission, object: next, previous: undefined }),
    });
  });
}

/** Changes an object: what `change` makes of it, defaults, owners of its fields, admission, then the registry. */
export async function updateObject(
  r: ResourceRequest,
  change: (current: KubeObject) => KubeObject | Promise<KubeObject>,
  { dryRun, subresource, isApplied = false }: WriteObjectOptions & Pick<RegistryUpdateOptions, "subresource">,
): Promise<Stored> {
  const { kind, registry, user, services } = r;
  const key = routeKey(r);
  return settling(dryRun, async (onSettled) => {
    const admission = admissionRequest(r, { operation: "UPDATE", key, dryRun, onSettled });
    return registry.update(
      key,
      async (current) => {
        const complete = kind.strategy.applyDefaults(await change(current));
        const object = isApplied ? complete : await withOwners(r, current, complete);
        const admitted = await mutate(services.admission, { ...admission, object, previous: current });
        return withValidOwners(object, onceOwned(admitted, admission), admission.warn);
      },
      {
        user,
        dryRun,
        subresource,
        admit: (next, previous) => admit(r, { ...admission, object: next, previous }),
      },
    );
  });
}

function onceOwned(admitted: KubeObject, { warn }: Pick<AdmissionRequest, "warn">): KubeObject {
  return withoutRepeatedOwners(admitted, warn, " after mutating admission happens");
}

/** What the kind has to tell about a valid object, then what admission has to say. */
async function admit({ kind, services }: ResourceRequest, request: AdmissionRequest): Promise<void> {
  if (request.object)
    for (const text of await kind.strategy.warnings(request.object, request.previous)) request.warn(text);
  await validate(services.admission, request);
}

/** Nothing new comes in while all that is there is being deleted. @throws StatusError MethodNotAllowed */
async function refuseWhileTerminating(definition: string, { registries }: ResourceRequest["services"]): Promise<void> {
  const { object } = await registries.for(customResourceDefinition).get({ name: definition });
  if (!isTrue(object, "Terminating")) return;
  const cause = "create not allowed while custom resource definition is terminating";
  throw new StatusError(405, "MethodNotAllowed", cause, {});
}

function admissionRequest(
  { kind, user, route, query, warnings, annotations }: ResourceRequest,
  rest: Pick<AdmissionRequest, "operation" | "dryRun" | "onSettled"> & { readonly key: ObjectKey },
): Omit<AdmissionRequest, "object" | "previous"> {
  return {
    kind,
    user,
    subresource: route.subresource,
    options: optionsObject(rest.operation, query),
    warn: (text) => warnings.push(text),
    annotate: (key, value) => annotations.set(key, value),
    ...rest,
  };
}

/** The options of a write as admission webhooks are shown them. */
function optionsObject(operation: AdmissionRequest["operation"], query: URLSearchParams): JsonObject {
  const kind = operation === "CREATE" ? "CreateOptions" : "UpdateOptions";
  const fieldManager = query.get("fieldManager");
  const fieldValidation = query.get("fieldValidation");
  return {
    kind,
    apiVersion: "meta.k8s.io/v1",
    ...(query.getAll("dryRun").includes("All") ? { dryRun: ["All"] } : {}),
    ...(fieldManager ? { fieldManager } : {}),
    ...(fieldValidation ? { fieldValidation } : {}),
  };
}

/** Runs a write and tells whoever reserved something for it what became of it. */
async function settling(
  dryRun: boolean,
  write: (onSettled: AdmissionRequest["onSettled"]) => Promise<Stored>,
): Promise<Stored> {
  const listeners: ((committed: Settled) => void)[] = [];
  let committed: Settled;
  try {
    const stored = await write((listener) => listeners.push(listener));
    // An Event would be parsed for it, and nobody reserves anything for those.
    if (!dryRun && listeners.length > 0) committed = { object: stored.object, revision: stored.revision };
    return stored;
  } finally {
    for (const listener of listeners) listener(committed);
  }
}
