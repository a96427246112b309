import { isJsonObject } from "../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../core/api/meta.ts";
import { type FieldError, fieldError, StatusError } from "../../core/api/status.ts";
import { booleanParameter, dryRunErrors, integerParameter } from "./query.ts";

/** How something is to be deleted. */
export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan" | undefined;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
}

/**
 * Reads DeleteOptions: from the body when there is one, else from the query.
 *
 * @throws StatusError BadRequest for members of the wrong type, Invalid for values that don't exist
 */
export function deleteOptions(body: Json | undefined, query: URLSearchParams): DeleteOptions {
  const fields = body === undefined || body === null ? fromQuery(query) : fromBody(body);
  const errors: FieldError[] = [...dryRunErrors(fields.dryRun)];
  const { propagationPolicy, orphanDependents } = fields;
  if (propagationPolicy !== undefined && orphanDependents !== undefined)
    errors.push(
      fieldError.invalid(
        "propagationPolicy",
        propagationPolicy,
        "orphanDependents and deletionPropagation cannot be both set",
      ),
    );
  if (propagationPolicy !== undefined && !isPolicy(propagationPolicy))
    errors.push(
      fieldError.notSupported("propagationPolicy", propagationPolicy, ["Foreground", "Background", "Orphan", "nil"]),
    );
  if (errors.length > 0) throw StatusError.invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
  const grace = fields.gracePeriodSeconds;
  return {
    dryRun: fields.dryRun.includes("All"),
    // Below zero counts as one second, as Kubernetes has it.
    gracePeriodSeconds: grace !== undefined && grace < 0 ? 1 : grace,
    propagationPolicy:
      propagationPolicy !== undefined && isPolicy(propagationPolicy)
        ? propagationPolicy
        : orphanDependents === undefined
          ? undefined
          : orphanDependents
            ? "Orphan"
            : "Background",
    preconditions: fields.preconditions,
  };
}

interface Fields {
  readonly dryRun: readonly string[];
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: string | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly preconditions: DeleteOptions["preconditions"];
}

function fromQuery(query: URLSearchParams): Fields {
  return {
    dryRun: query.getAll("dryRun"),
    gracePeriodSeconds: integerParameter(query, "gracePeriodSeconds"),
    propagationPolicy: query.get("propagationPolicy") ?? undefined,
    orphanDependents: query.has("orphanDependents") ? booleanParameter(query, "orphanDependents") : undefined,
    preconditions: undefined,
  };
}

function fromBody(body: Json): Fields {
  if (!isJsonObject(body)) throw unreadable("expected an object");
  const kind = own(body, "kind");
  if (kind !== undefined && kind !== "DeleteOptions") throw unreadable("kind must be DeleteOptions");
  const preconditions = own(body, "preconditions");
  if (preconditions !== undefined && !isJsonObject(preconditions)) throw unreadable("preconditions must be an object");
  const dryRun = own(body, "dryRun") ?? [];
  if (!Array.isArray(dryRun) || !dryRun.every((value) => typeof value === "string"))
    throw unreadable("dryRun must be a list of strings");
  const grace = own(body, "gracePeriodSeconds");
  if (grace !== undefined && !Number.isSafeInteger(grace)) throw unreadable("gracePeriodSeconds must be an integer");
  const orphan = own(body, "orphanDependents");
  if (orphan !== undefined && typeof orphan !== "boolean") throw unreadable("orphanDependents must be a boolean");
  return {
    dryRun: dryRun as readonly string[],
    gracePeriodSeconds: grace as number | undefined,
    propagationPolicy: text(body, "propagationPolicy"),
    orphanDependents: orphan,
    preconditions: preconditions && readPreconditions(preconditions),
  };
}

function readPreconditions(preconditions: JsonObject): DeleteOptions["preconditions"] {
  const uid = text(preconditions, "uid");
  const resourceVersion = text(preconditions, "resourceVersion");
  return { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
}

/** A member that is there and not null. */
function own(object: JsonObject, name: string): Exclude<Json, null> | undefined {
  return (Object.hasOwn(object, name) ? object[name] : undefined) ?? undefined;
}

function text(object: JsonObject, name: string): string | undefined {
  const value = own(object, name);
  if (value === undefined || typeof value === "string") return value;
  throw unreadable(`${name} must be a string`);
}

function isPolicy(text: string): text is "Background" | "Foreground" | "Orphan" {
  return text === "Background" || text === "Foreground" || text === "Orphan";
}

function unreadable(why: string): StatusError {
  return StatusError.badRequest(`DeleteOptions cannot be read: ${why}`);
}
