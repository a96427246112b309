import type { ConfigMapProjection, DownwardApiFile } from "../../../core/kinds/pod.ts";
import type { ObjectData } from "../environment.ts";
import { type PodFacts, podField, resourceField } from "../pod_fields.ts";
import type { Payload, PayloadFile } from "./atomic_writer.ts";
import type { VolumeContext } from "./volume.ts";

/** Mode of files where nothing else is said. */
export const defaultFileMode = 0o644;

/**
 * The files of a ConfigMap or Secret.
 *
 * @throws Error `configmap "x" not found`, `references non-existent config key: k`
 */
export async function objectPayload(
  kind: "configMap" | "secret",
  { name = "", items, optional = false }: ConfigMapProjection,
  mode: number,
  { pod, data }: Pick<VolumeContext, "pod" | "data">,
): Promise<Payload> {
  const namespace = pod.metadata.namespace ?? "default";
  const found = kind === "configMap" ? await data.configMap(namespace, name) : await data.secret(namespace, name);
  if (!found) {
    if (optional) return new Map();
    throw new Error(`${kind.toLowerCase()} "${name}" not found`);
  }
  return selectItems(found, { items, optional, mode, noun: kind === "configMap" ? "config" : "secret" });
}

function selectItems(
  { entries }: ObjectData,
  options: {
    readonly items: ConfigMapProjection["items"];
    readonly optional: boolean;
    readonly mode: number;
    readonly noun: string;
  },
): Payload {
  const { items, optional, mode, noun } = options;
  if (!items || items.length === 0) {
    return new Map([...entries].map(([key, data]) => [key, { data, mode }]));
  }
  const payload = new Map<string, PayloadFile>();
  for (const item of items) {
    const data = entries.get(item.key);
    if (data) payload.set(item.path, { data, mode: item.mode ?? mode });
    else if (!optional) throw new Error(`references non-existent ${noun} key: ${item.key}`);
  }
  return payload;
}

const encoder = new TextEncoder();

/** The files of the downward API. @throws Error for fields that do not exist */
export function downwardPayload(items: readonly DownwardApiFile[] | undefined, mode: number, facts: PodFacts): Payload {
  const payload = new Map<string, PayloadFile>();
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items ?? []) {
    const text = fieldRef
      ? podField(fieldRef.fieldPath, facts)
      : resourceFieldRef
        ? resourceField(resourceFieldRef, facts, undefined)
        : "";
    payload.set(path, { data: encoder.encode(text), mode: own ?? mode });
  }
  return payload;
}
