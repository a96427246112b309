import type { KubeObject } from "../core/api/meta.ts";
import { isReason } from "../core/api/status.ts";
import type { CommandEnv } from "./env.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { findTargets, type LoadedTarget, type Target } from "./targets.ts";
import { beforeChange, beforeDeletion, isSameButForStatus, objectAt } from "./undo/earlier.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { dryRunFlag, dryRunOf, fieldManagerFlag, printerOptions } from "./write_flags.ts";

/** Of a write beside which controllers write. */
const maxTries = 5;
/** Finalizers that the way of deleting brings along. */
const ofDeletions = ["foregroundDeletion", "orphan"];

/** Takes the last change of objects back; that may have been their deletion. */
export const undo: Verb = defineVerb({
  name: "undo",
  group: "Change",
  summary: "Put objects back as they were before their last change, or their deletion.",
  description:
    "The server is asked for the object at earlier versions, which it keeps for a while (etcd for five minutes, wherry for at least as long). Changes of status alone do not count. A deleted object is created once more, as another one: with a uid of its own, and without the objects that went with it.",
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
    ["A deletion", "wherry undo configmap/settings"],
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
    await targets.visit(async (target) => {
      const object = await presentObject(target, env);
      const earlier = await earlierObject(target, { object, version: wanted }, env);
      const outcome = `put back to version ${earlier.metadata.resourceVersion}`;
      const write = { dryRun: dryRun === "server", fieldManager: flags["field-manager"], signal: env.signal };
      if (!object) {
        const anew = madeAnew(earlier);
        return await print(dryRun === "client" ? anew : await client.create(target.resource, anew, write), outcome);
      }
      if (dryRun === "client") return await print(restored(earlier, object.metadata.resourceVersion), outcome);
      const put = (version: string | undefined) => client.update(target.resource, restored(earlier, version), write);
      await print(await unlessChanged(put, { ...target, object }, env), outcome);
    });
    return 0;
  },
});

async function presentObject({ resource, key }: Target, env: CommandEnv): Promise<KubeObject | undefined> {
  const client = await env.client();
  try {
    return await client.get(resource, key, { signal: env.signal });
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

/** The object to go back to. @throws UsageError when there is none */
async function earlierObject(
  target: Target,
  { object, version }: { readonly object: KubeObject | undefined; readonly version: string | undefined },
  env: CommandEnv,
): Promise<KubeObject> {
  const name = `${target.resource.plural}/${target.key.name}`;
  const find = async () => {
    if (version !== undefined) return await objectAt(target, BigInt(version), env);
    return await (object ? beforeChange(target, object, env) : beforeDeletion(target, env));
  };
  const earlier = await find().catch((error: unknown) => {
    if (!isReason(error, "Expired") && !isReason(error, "Gone")) throw error;
    throw new UsageError(
      object || version !== undefined
        ? `the server does not know any more what ${name} was like before`
        : `${name} is not there, and was not in all that the server still knows`,
    );
  });
  if (!earlier && !object && version === undefined) throw new UsageError(`${name} is not there, and never was`);
  if (!earlier) throw new UsageError(`${name} did not exist then${object ? "; delete it to take that back" : ""}`);
  if (object && earlier.metadata.uid !== object.metadata.uid)
    throw new UsageError(`${name} was another object then: it has been made anew`);
  return earlier;
}

/** A deleted object to be created once more: without what the server gave it, and what its deletion did. */
function madeAnew(earlier: KubeObject): KubeObject {
  const {
    managedFields: _managedFields,
    uid: _uid,
    resourceVersion: _resourceVersion,
    generation: _generation,
    creationTimestamp: _creationTimestamp,
    deletionTimestamp: _deletionTimestamp,
    deletionGracePeriodSeconds: _deletionGracePeriodSeconds,
    finalizers = [],
    ...metadata
  } = earlier.metadata;
  const kept = finalizers.filter((name) => !ofDeletions.includes(name));
  return { ...earlier, metadata: { ...metadata, ...(kept.length > 0 ? { finalizers: kept } : {}) } };
}

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
      if (present.metadata.uid !== object.metadata.uid || !isSameButForStatus(present, object)) throw error;
      version = present.metadata.resourceVersion;
    }
  }
}
