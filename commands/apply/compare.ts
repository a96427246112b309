import { asJson, isJsonObject } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { ignoreReason, isReason } from "../../core/api/status.ts";
import { patchFor, withoutLastApplied } from "../../core/client/apply.ts";
import type { CommandEnv } from "../env.ts";
import type { LoadedTarget } from "../targets.ts";

const maxTries = 4;

/** How an apply would be done. */
export interface CompareOptions {
  readonly serverSide: boolean;
  readonly forceConflicts: boolean;
  readonly fieldManager: string;
}

/** The object as it is, and as the server says that an apply would make it. Nothing is changed. @throws StatusError */
export async function compareWithServer(
  { resource, key, object }: LoadedTarget,
  { serverSide, forceConflicts, fieldManager }: CompareOptions,
  env: CommandEnv,
): Promise<{ readonly before: KubeObject | undefined; readonly after: KubeObject }> {
  const client = await env.client();
  const write = {
    dryRun: true,
    fieldManager,
    signal: env.signal,
  };
  for (let tries = 1; ; tries++) {
    const before = await client.get(resource, key, { signal: env.signal }).catch(ignoreReason("NotFound"));
    if (serverSide) {
      const body = asJson(object);
      const after = await client.patch(resource, key, { type: "apply", body }, { ...write, force: forceConflicts });
      return { before, after };
    }
    if (!before) return { before, after: await client.create(resource, object, write) };
    const patch = patchFor(resource, withoutLastApplied(object), before);
    if (Object.keys(patch.body).length === 0) return { before, after: before };
    // The last try does without the lock: the object keeps changing.
    const body = tries < maxTries ? withVersion(patch.body, before.metadata.resourceVersion ?? "") : patch.body;
    try {
      return { before, after: await client.patch(resource, key, { ...patch, body }, write) };
    } catch (error) {
      if (!isReason(error, "Conflict") || tries >= maxTries) throw error;
    }
  }
}

function withVersion(patch: JsonObject, resourceVersion: string): JsonObject {
  const { metadata } = patch;
  return { ...patch, metadata: { ...(isJsonObject(metadata) ? metadata : {}), resourceVersion } };
}
