import { formatLabelSelector, type LabelSelector } from "../core/api/labels.ts";
import type { KubeObject, StringMap } from "../core/api/meta.ts";
import type { Client } from "../core/client/client.ts";
import { podResource } from "../core/client/resources.ts";
import type { Container, Pod } from "../core/kinds/pod.ts";
import { defaultContainerAnnotation, isPodReady, podCondition } from "../core/kinds/pod_helpers.ts";
import type { CommandEnv } from "./env.ts";
import { keyIn } from "./namespaced.ts";
import { resourceNamed } from "./resource_args.ts";
import { UsageError } from "./verb.ts";

/** How the pod is chosen that a word means. */
export interface PodChoice {
  /** What is said before the reason when an object has no pods, e.g. `cannot attach to`. */
  readonly cannot: string;
  /** How long to wait for the first pod of an object that has none. */
  readonly timeoutMs: number;
  /** For logs the pod that was restarted most is preferred, else the one that was least. */
  readonly preferRestarted?: boolean;
  /** Says which one of several it is. */
  readonly tell?: boolean;
}

/** The object that words mean: `web` (a pod), `deploy/web`, `deploy web`. */
export async function objectOf(client: Client, words: readonly string[], env: CommandEnv): Promise<KubeObject> {
  const [first = "", second] = words;
  const slash = first.indexOf("/");
  const [type, name] =
    second !== undefined
      ? [first, second]
      : slash < 0
        ? ["pods", first]
        : [first.slice(0, slash), first.slice(slash + 1)];
  const resource = await resourceNamed(client, type);
  const key = await keyIn(resource, name, env);
  const object = await client.get(resource, key, { signal: env.signal });
  return { ...object, apiVersion: object.apiVersion ?? `${resource.group}/${resource.version}`, kind: resource.kind };
}

/** The pod itself, or the best one of those that the object selects. @throws UsageError when it selects none */
export async function podOf(client: Client, object: KubeObject, env: CommandEnv, choice: PodChoice): Promise<Pod> {
  if (object.kind === "Pod") return object as Pod;
  const labelSelector = podSelector(object, choice.cannot);
  const { namespace } = object.metadata;
  const { items } = await client.list(podResource, { namespace, labelSelector, signal: env.signal });
  const [best] = [...items].sort((a, b) => comparePods(a, b, choice));
  if (best) {
    if (choice.tell && items.length > 1)
      env.terminal.warn(`Found ${items.length} pods, using pod/${best.metadata.name ?? ""}`);
    return best;
  }
  return await firstPod(client, { namespace, labelSelector }, env, choice.timeoutMs);
}

/** Waits for a pod with those labels. @throws UsageError after `timeoutMs` */
async function firstPod(
  client: Client,
  where: { readonly namespace: string | undefined; readonly labelSelector: string },
  env: CommandEnv,
  timeoutMs: number,
): Promise<Pod> {
  const ended = new AbortController();
  const cancel = env.clock.schedule(timeoutMs, () => ended.abort());
  try {
    const signal = AbortSignal.any([env.signal, ended.signal]);
    for await (const event of client.watch(podResource, { ...where, signal }))
      if (event.type === "ADDED" || event.type === "MODIFIED") return event.object;
  } finally {
    cancel();
  }
  env.signal.throwIfAborted();
  throw new UsageError("timed out waiting for the condition");
}

/**
 * The labels of an object's pods.
 *
 * @throws UsageError for kinds that have none
 * @see k8s.io/kubectl/pkg/polymorphichelpers/helpers.go SelectorsForObject
 */
export function podSelector(object: KubeObject, cannot: string): string {
  const { selector } = (object as { readonly spec?: { readonly selector?: LabelSelector | StringMap } }).spec ?? {};
  const type = `*${object.apiVersion.split("/").at(-1)}.${object.kind}`;
  if (object.kind === "Service" && Object.keys(selector ?? {}).length === 0)
    throw new UsageError(
      `${cannot} ${type}: invalid service '${object.metadata.name}': Service is defined without a selector`,
    );
  if (!selector) throw new UsageError(`${cannot} ${type}: selector for ${type} not implemented`);
  const structured = Object.hasOwn(selector, "matchLabels") || Object.hasOwn(selector, "matchExpressions");
  return formatLabelSelector(structured ? (selector as LabelSelector) : { matchLabels: selector as StringMap });
}

/** The more alive first. @see k8s.io/kubectl/pkg/util/podutils ActivePods, ByLogging */
function comparePods(a: Pod, b: Pod, { preferRestarted = false }: Pick<PodChoice, "preferRestarted">): number {
  const phases = ["Running", "Unknown", "Pending"];
  const phase = ({ status }: Pod) => {
    const at = phases.indexOf(status?.phase ?? "");
    return at < 0 ? phases.length : at;
  };
  const restarts = ({ status }: Pod) =>
    Math.max(0, ...(status?.containerStatuses ?? []).map((one) => one.restartCount));
  const readySince = (pod: Pod) => podCondition(pod, "Ready")?.lastTransitionTime ?? "~";
  // One that is about to go serves nobody for long.
  const leaving = ({ metadata }: Pod) => Number(metadata.deletionTimestamp !== undefined);
  return (
    leaving(a) - leaving(b) ||
    Number(!a.spec.nodeName) - Number(!b.spec.nodeName) ||
    phase(a) - phase(b) ||
    Number(isPodReady(b)) - Number(isPodReady(a)) ||
    (isPodReady(a) ? compareText(readySince(a), readySince(b)) : 0) ||
    (preferRestarted ? restarts(b) - restarts(a) : restarts(a) - restarts(b)) ||
    compareText(a.metadata.creationTimestamp ?? "~", b.metadata.creationTimestamp ?? "~")
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A pod's containers of every sort: those of its init, its own, those that debug it. */
export function allContainers({ spec }: Pod): readonly Container[] {
  return [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...((spec.ephemeralContainers ?? []) as readonly Container[]),
  ];
}

/**
 * The container that is meant: the one named, else the one that the pod's annotation names, else its first.
 *
 * @param options.quiet does not say which one it took
 * @throws UsageError when there is none of that name
 * @see k8s.io/kubectl/pkg/cmd/util/podcmd
 */
export function containerOf(
  pod: Pod,
  name: string | undefined,
  env: CommandEnv,
  { quiet = false }: { readonly quiet?: boolean } = {},
): Container {
  const podName = pod.metadata.name ?? "";
  const all = allContainers(pod);
  if (name) {
    const found = all.find((container) => container.name === name);
    if (found) return found;
    throw new UsageError(`container ${name} is not valid for pod ${podName} out of: ${containerNames(pod)}`);
  }
  const preset = pod.metadata.annotations?.[defaultContainerAnnotation];
  if (preset) {
    const found = all.find((container) => container.name === preset);
    if (found) return found;
    if (!quiet) env.terminal.warn(`Default container name ${JSON.stringify(preset)} not found in pod ${podName}`);
  }
  const [first] = pod.spec.containers;
  if (!first) throw new UsageError(`pod ${pod.metadata.namespace}/${podName} does not have any containers`);
  if (!quiet && all.length > 1)
    env.terminal.warn(`Defaulted container ${JSON.stringify(first.name)} out of: ${containerNames(pod)}`);
  return first;
}

function containerNames({ spec }: Pod): string {
  return [
    ...spec.containers.map(({ name }) => name),
    ...(spec.ephemeralContainers ?? []).map(({ name }) => `${name} (ephem)`),
    ...(spec.initContainers ?? []).map(({ name }) => `${name} (init)`),
  ].join(", ");
}
