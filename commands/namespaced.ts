import type { ResourceType } from "../core/api/kind.ts";
import type { KubeObject } from "../core/api/meta.ts";
import type { CommandEnv } from "./env.ts";
import { UsageError } from "./verb.ts";

/** The object with the namespace it goes to. @throws UsageError when `-n` and the manifest disagree */
export async function withNamespace<T extends KubeObject>(
  object: T,
  { namespaced }: ResourceType,
  env: CommandEnv,
): Promise<T> {
  if (!namespaced) return object;
  const own = object.metadata.namespace;
  const wanted = await env.namespace();
  if (own && env.namespaceGiven && own !== wanted) {
    throw new UsageError(
      `the namespace from the provided object "${own}" does not match the namespace "${wanted}". You must pass '--namespace=${own}' to perform this operation.`,
    );
  }
  return own ? object : { ...object, metadata: { ...object.metadata, namespace: wanted } };
}

/** The key of an object of `resource` called `name`, in the namespace at hand. */
export async function keyIn(
  { namespaced }: ResourceType,
  name: string,
  env: CommandEnv,
): Promise<{ readonly namespace?: string; readonly name: string }> {
  return namespaced ? { namespace: await env.namespace(), name } : { name };
}
