import { asJson, isJsonObject, jsonEqual } from "../core/api/json_object.ts";
import { readJsonText } from "../core/api/json_text.ts";
import type { JsonObject, KubeObject } from "../core/api/meta.ts";
import { isReason } from "../core/api/status.ts";
import { resourcePath } from "../core/client/paths.ts";
import { readStatusError } from "../core/client/read_status_error.ts";
import { readBody } from "../core/client/transport.ts";
import type { CommandEnv } from "./env.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { findTargets, type LoadedTarget } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { dryRunFlag, dryRunOf, fieldManagerFlag, printerOptions } from "./write_flags.ts";

const maxErrorBytes = 4 * 1024 * 1024;
/** Writes of controllers between two changes that somebody made. */
const maxSteps = 200;
/** Of a write beside which controllers write. */
const maxTries = 5;

/** Takes the last change of objects back. */
export const undo: Verb = defineVerb({
  name: "undo",
  group: "Change",
  summary: "Put objects back as they were before their last change.",
  description:
    "The server is asked for the object at earlier versions, which it keeps for a while (etcd for five minutes, wherry for at least as long). Changes of status alone do not count.",
  words: "[type] [names...]",
  flags: {
    ...printFlags,
    ...dryRunFlag,
    ...fieldManagerFlag("kubectl-undo"),
    "to-version": {
      type: "string",
      placeholder: "version",
      description: "The object as it was at this resourceVersion; default: before its last change.",
    },
  },
  examples: [
    ["The last change of a deployment", "wherry undo deploy/web"],
    ["What it would do", "wherry undo deploy/web --dry-run=server -o yaml"],
  ],
  async run({ flags, words, env }) {
    const dryRun = dryRunOf(flags, env);
    const print = await objectPrinter(flags, printerOptions(dryRun, env));
    const wanted = flags["to-version"];
    if (wanted !== undefined && !/^\d{1,19}$/.test(wanted))
      throw new UsageError(`--to-version must be a resourceVersion, a whole number, not ${wanted}`);
    const client = await env.client();
    const targets = await findTargets({ words }, env);
    await targets.visitLoaded(async (target) => {
      const { resource, object } = target;
      const earlier = wanted === undefined ? await before(target, env) : await at(target, BigInt(wanted), env);
      if (!earlier)
        throw new UsageError(`${resource.plural}/${target.key.name} did not exist then; delete it to take that back`);
      const { uid, resourceVersion } = object.metadata;
      if (earlier.metadata.uid !== uid)
        throw new UsageError(`${resource.plural}/${target.key.name} was another object then: it has been made anew`);
      const outcome = `put back to version ${earlier.metadata.resourceVersion}`;
      if (dryRun === "client") return await print(restored(earlier, resourceVersion), outcome);
      const write = { dryRun: dryRun === "server", fieldManager: flags["field-manager"], signal: env.signal };
      const put = (version: string | undefined) => client.update(resource, restored(earlier, version), write);
      await print(await unlessChanged(put, target, env), outcome);
    });
    return 0;
  },
});

/** An object as it was, to be put over the one of a version. */
function restored(earlier: KubeObject, resourceVersion: string | undefined): KubeObject {
  const { managedFields: _, ...metadata } = earlier.metadata;
  return { ...earlier, metadata: { ...metadata, ...(resourceVersion ? { resourceVersion } : {}) } };
}

/**
 * Writes over the object that was looked at. Controllers write beside it: once more where that is all that happened.
 *
 * @throws StatusError Conflict when somebody changed it meanwhile
 */
async function unlessChanged(
  put: (version: string | undefined) => Promise<KubeObject>,
  { resource, key, object }: LoadedTarget,
  env: CommandEnv,
): Promise<KubeObject> {
  const client = await env.client();
  let version = object.metadata.resourceVersion;
  for (let tries = 1; ; tries++) {
    try {
      return await put(version);
    } catch (error) {
      if (!isReason(error, "Conflict") || tries === maxTries) throw error;
      const present = await client.get(resource, key, { signal: env.signal });
      if (present.metadata.uid !== object.metadata.uid || !jsonEqual(essence(present), essence(object))) throw error;
      version = present.metadata.resourceVersion;
    }
  }
}

/** The object before its last change; undefined when it did not exist. @throws UsageError when that is not known any more */
async function before(target: LoadedTarget, env: CommandEnv): Promise<KubeObject | undefined> {
  const now = essence(target.object);
  let version = target.object.metadata.resourceVersion ?? "";
  for (let step = 0; step < maxSteps; step++) {
    if (!/^\d{1,19}$/.test(version))
      throw new UsageError("the server does not count versions: name one with --to-version");
    const earlier = await at(target, BigInt(version) - 1n, env);
    if (!earlier || !jsonEqual(essence(earlier), now)) return earlier;
    version = earlier.metadata.resourceVersion ?? "";
  }
  throw new UsageError(`${target.resource.plural}/${target.key.name} has had no change but of its status lately`);
}

/** The object at a version of the store. */
async function at({ resource, key }: LoadedTarget, version: bigint, env: CommandEnv): Promise<KubeObject | undefined> {
  if (version <= 0n) return undefined;
  const path = resourcePath(resource, {
    namespace: key.namespace,
    query: {
      fieldSelector: `metadata.name=${key.name}`,
      resourceVersion: String(version),
      resourceVersionMatch: "Exact",
    },
  });
  const client = await env.client();
  const response = await client.raw(
    { method: "GET", path, headers: { accept: "application/json" } },
    { signal: env.signal },
  );
  if (response.status !== 200) {
    const error = await readStatusError(response, maxErrorBytes);
    if (isReason(error, "Expired") || isReason(error, "Gone"))
      throw new UsageError(`the server does not know any more what ${resource.plural}/${key.name} was like before`);
    throw error;
  }
  const list = readJsonText(new TextDecoder().decode(await readBody(response.body)));
  const items = isJsonObject(list) ? list["items"] : undefined;
  const [found] = Array.isArray(items) ? (items as unknown as readonly KubeObject[]) : [];
  const { group, version: apiVersion, kind } = resource;
  return found && { ...found, apiVersion: group ? `${group}/${apiVersion}` : apiVersion, kind };
}

/** What people change in an object: neither its status nor what servers note. */
function essence(object: KubeObject): JsonObject {
  const { status: _status, metadata: _metadata, apiVersion: _apiVersion, kind: _kind, ...rest } = asJson(object);
  const { labels = {}, annotations = {}, finalizers = [] } = object.metadata;
  const { "deployment.kubernetes.io/revision": _, ...own } = annotations;
  return { ...rest, metadata: { labels, annotations: own, finalizers } };
}
