import { apiVersionOf, type ResourceType } from "../../core/api/kind.ts";
import { controllerOf, type KubeObject, type OwnerReference } from "../../core/api/meta.ts";
import { deployment, type Pod, replicaSet, replicationController, statefulSet } from "../../core/kinds/mod.ts";
import { unlessGone } from "./_errors.ts";
import { ofVersion, resourcesOfKind, scalesOf } from "./_scales.ts";
import type { ControllerContext } from "./controller.ts";

/** Kinds of which the size is known from the cache. */
export const sizedKinds: readonly ResourceType<SizedObject>[] = [
  replicaSet,
  deployment,
  statefulSet,
  replicationController,
];

/** An object that says how many pods it wants. */
interface SizedObject extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

/** How many pods the controllers of some pods want together, and which pods have none; or why that cannot be told. */
export type Scale = { readonly expected: number; readonly unmanaged: readonly Pod[] } | { readonly failure: string };

/** Asks every controller once. */
export async function scaleOf(pods: readonly Pod[], context: ControllerContext): Promise<Scale> {
  const sizes = new Map<string, number>();
  const asked = new Set<string>();
  const unmanaged: Pod[] = [];
  for (const one of pods) {
    const owner = controllerOf(one);
    if (!owner) unmanaged.push(one);
    if (!owner || asked.has(owner.uid)) continue;
    asked.add(owner.uid);
    const found = await controllerSize(owner, one.metadata.namespace, context);
    if (typeof found === "string") return { failure: found };
    if (!found) return { failure: `found no controllers for pod ${JSON.stringify(one.metadata.name)}` };
    sizes.set(found.uid, found.size);
  }
  return { expected: [...sizes.values()].reduce((sum, size) => sum + size, 0), unmanaged };
}

interface Size {
  readonly uid: string;
  readonly size: number;
}

/** The size of an owner, or of what controls that; undefined where it is gone; a text where it has none. */
async function controllerSize(
  owner: OwnerReference,
  namespace: string | undefined,
  context: ControllerContext,
): Promise<Size | string | undefined> {
  const { apiVersion, kind, name, uid } = owner;
  const type = sizedKinds.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
  if (!type) return customSize(owner, namespace, context);
  const found = context.lister(type).get({ namespace, name });
  if (found?.metadata.uid !== uid) return undefined;
  const above = controllerOf(found);
  if (kind === "ReplicaSet" && above?.kind === "Deployment") return controllerSize(above, namespace, context);
  return { uid, size: found.spec?.replicas ?? 1 };
}

/** Asks the scale of an object of any other kind. */
async function customSize(
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string | undefined,
  { client, signal }: ControllerContext,
): Promise<Size | string | undefined> {
  const type = ofVersion(await resourcesOfKind(client, { apiVersion, kind }, { signal }), apiVersion);
  if (!type) return undefined;
  if (!type.hasScale) {
    const resource = type.group ? `${type.plural}.${type.group}` : type.plural;
    return `${resource} does not implement the scale subresource`;
  }
  const scale = await unlessGone(client.get(scalesOf(type), { namespace, name }, { subresource: "scale", signal }));
  return scale?.metadata.uid === uid ? { uid, size: scale.spec?.replicas ?? 0 } : undefined;
}
