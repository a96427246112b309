import type { KubeObject } from "../../core/api/meta.ts";
import type { CommandEnv } from "../env.ts";
import { listEverything } from "../everything.ts";
import { qualifiedName } from "../output/format.ts";
import { resourceNamed } from "../resource_args.ts";
import type { Target } from "../targets.ts";

/** Longer than this nobody is kept waiting for what is only good to know. */
const patienceMs = 1000;
/** So many are named; of more it is said how many there are. */
const maxNamed = 6;
/** What owns nothing, but for objects of operators that are deleted one by one: not looked after. */
const owners: ReadonlySet<string> = new Set([
  "replicationcontrollers.",
  "services.",
  "namespaces.",
  "deployments.apps",
  "replicasets.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "jobs.batch",
  "cronjobs.batch",
]);

/**
 * Tells a person, before an object is deleted, which others go with it: what belongs to it, what is in the namespace, the
 * objects of the custom resource. Says nothing to anybody else, nor when there is nothing or it takes too long to find out.
 */
export function tellTakenAlong(env: CommandEnv): (target: Target) => Promise<void> {
  const { terminal, clock } = env;
  if (!terminal.errorIsTerminal) return async () => {};
  const known = new Map<string, Promise<readonly KubeObject[]>>();
  const ending = new AbortController();
  const signal = AbortSignal.any([env.signal, ending.signal]);
  const everything = (namespace: string) => {
    const listed = known.get(namespace) ?? listEverything(namespace, env, signal);
    known.set(namespace, listed);
    return listed;
  };
  return async (target) => {
    const cancel = clock.schedule(patienceMs, () => ending.abort());
    try {
      const taken = await takenWith(target, everything, { env, signal });
      if (taken.length > 0) terminal.warn(`${nameOf(target)} takes along ${namesOrCounts(taken)}`);
    } catch {
      env.signal.throwIfAborted();
    } finally {
      cancel();
    }
  };
}

async function takenWith(
  { resource, key }: Target,
  everything: (namespace: string) => Promise<readonly KubeObject[]>,
  { env, signal }: { readonly env: CommandEnv; readonly signal: AbortSignal },
): Promise<readonly KubeObject[]> {
  const type = `${resource.plural}.${resource.group}`;
  if (type === "namespaces.") return (await everything(key.name)).filter(isNotMadeAnew);
  if (type === "customresourcedefinitions.apiextensions.k8s.io") {
    const client = await env.client();
    const custom = await resourceNamed(client, key.name);
    const { items } = await client.list(custom, { signal });
    return items.map((item) => ({ ...item, kind: custom.kind, apiVersion: `${custom.group}/${custom.version}` }));
  }
  const isBuiltIn = !resource.group.includes(".") || resource.group.endsWith(".k8s.io");
  if (key.namespace === undefined || (isBuiltIn && !owners.has(type))) return [];
  return ownedBy({ kind: resource.kind, group: resource.group, name: key.name }, await everything(key.namespace));
}

/** What the garbage collector would delete with an owner: that of which all owners go. Pure. */
function ownedBy(
  owner: { readonly kind: string; readonly group: string; readonly name: string },
  objects: readonly KubeObject[],
): readonly KubeObject[] {
  const going = new Set([ownerKey(owner)]);
  const taken = new Set<KubeObject>();
  for (let before = -1; before < taken.size; ) {
    before = taken.size;
    for (const object of objects) {
      const { ownerReferences = [], name = "" } = object.metadata;
      if (taken.has(object) || ownerReferences.length === 0) continue;
      const all = ownerReferences.map(({ apiVersion, kind, name }) => ({ kind, name, group: groupOf(apiVersion) }));
      if (!all.every((one) => going.has(ownerKey(one)))) continue;
      taken.add(object);
      going.add(ownerKey({ kind: object.kind, name, group: groupOf(object.apiVersion) }));
    }
  }
  return [...taken];
}

function ownerKey({ kind, group, name }: { readonly kind: string; readonly group: string; readonly name: string }) {
  return `${kind}.${group}/${name}`;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? (apiVersion.split("/", 1)[0] ?? "") : "";
}

/** Each namespace has these from its beginning. */
function isNotMadeAnew({ kind, metadata: { name } }: KubeObject): boolean {
  return !(kind === "ServiceAccount" && name === "default") && !(kind === "ConfigMap" && name === "kube-root-ca.crt");
}

function nameOf({ resource: { kind, group }, key }: Target): string {
  return qualifiedName({ apiVersion: group ? `${group}/v1` : "v1", kind, metadata: { name: key.name } });
}

/** `pod/a, pod/b`; `2 ReplicaSets, 9 Pods` for many. */
function namesOrCounts(objects: readonly KubeObject[]): string {
  if (objects.length <= maxNamed) return objects.map(qualifiedName).join(", ");
  const counts = new Map<string, number>();
  for (const { kind } of objects) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}${count === 1 ? "" : "s"}`).join(", ");
}
