import type { ResourceType } from "../../api/kind.ts";
import type { KubeObject, ObjectKey } from "../../api/meta.ts";
import { isReason } from "../../api/status.ts";
import type { ListCallOptions } from "../client.ts";
import type { WhyContext } from "./explanation.ts";

/** An object; undefined where there is none, `"unknown"` for those who may not read it. */
export async function find<T extends KubeObject>(
  kind: ResourceType<T>,
  key: ObjectKey,
  { client, signal }: WhyContext,
): Promise<T | "unknown" | undefined> {
  try {
    return await client.get(kind, key, { signal });
  } catch (error) {
    if (isReason(error, "Forbidden")) return "unknown";
    if (!isReason(error, "NotFound")) throw error;
    return undefined;
  }
}

/** The objects of a kind; undefined for those who may not list them. */
export async function list<T extends KubeObject>(
  kind: ResourceType<T>,
  { client, signal }: WhyContext,
  options: Pick<ListCallOptions, "namespace" | "fieldSelector"> = {},
): Promise<readonly T[] | undefined> {
  try {
    return (await client.list(kind, { ...options, signal })).items;
  } catch (error) {
    if (!isReason(error, "Forbidden")) throw error;
    return undefined;
  }
}
