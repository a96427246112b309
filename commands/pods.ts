import { formatLabelSelector, type LabelSelector } from "../core/api/labels.ts";
import type { KubeObject, StringMap } from "../core/api/meta.ts";
import type { Client } from "../core/client/client.ts";
import { type Pod, pod } from "../core/kinds/pod.ts";
import { isPodReady } from "../core/kinds/pod_helpers.ts";
import type { CommandEnv } from "./env.ts";
import { keyIn } from "./namespaced.ts";
import { resourceNamed } from "./resource_args.ts";
import { UsageError } from "./verb.ts";

/** The pod that a word means: its name, `pod/NAME`, or one of the pods of `deploy/NAME`, `svc/NAME` … (a ready one first). With `tell`, says which of several it is. */
export async function podOf(
  client: Client,
  word: string,
  env: CommandEnv,
  { tell = false }: { readonly tell?: boolean } = {},
): Promise<Pod> {
  const slash = word.indexOf("/");
  const resource = slash < 0 ? pod : await resourceNamed(client, word.slice(0, slash));
  const key = await keyIn(resource, word.slice(slash + 1), env);
  const object = await client.get(resource, key, { signal: env.signal });
  if (resource.plural === "pods" && resource.group === "") return object as Pod;
  const labelSelector = selectorOf(object);
  if (!labelSelector) throw new UsageError(`cannot attach to *${resource.kind}: it selects no pods`);
  const { items } = await client.list(pod, { namespace: key.namespace, labelSelector, signal: env.signal });
  const [chosen] = [...items].sort((a, b) => Number(isPodReady(b)) - Number(isPodReady(a)));
  if (!chosen) throw new UsageError(`no pods of ${word} were found`);
  if (tell && items.length > 1) env.terminal.warn(`Found ${items.length} pods, using pod/${chosen.metadata.name}`);
  return chosen;
}

function selectorOf(object: KubeObject): string | undefined {
  const selector = (object as { readonly spec?: { readonly selector?: LabelSelector | StringMap } }).spec?.selector;
  if (!selector) return undefined;
  const structured = Object.hasOwn(selector, "matchLabels") || Object.hasOwn(selector, "matchExpressions");
  return formatLabelSelector(structured ? (selector as LabelSelector) : { matchLabels: selector as StringMap });
}
