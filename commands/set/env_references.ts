import { asJson, isJsonObject } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject, StringMap } from "../../core/api/meta.ts";
import { configMap } from "../../core/kinds/configmap.ts";
import type { Container, EnvVar } from "../../core/kinds/pod.ts";
import { secret } from "../../core/kinds/secret.ts";
import { base64ToBytes } from "../../core/util/base64.ts";
import type { CommandEnv } from "../env.ts";
import { UsageError } from "../verb.ts";

type EnvVarSource = NonNullable<EnvVar["valueFrom"]>;

/** A reference in words: `config map settings, key colour`. @see k8s.io/kubectl/pkg/cmd/set/env/env_resolve.go */
export function referenceText(from: EnvVarSource): string {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = from;
  if (configMapKeyRef) return `configmap ${configMapKeyRef.name}, key ${configMapKeyRef.key}`;
  if (secretKeyRef) return `secret ${secretKeyRef.name}, key ${secretKeyRef.key}`;
  if (fieldRef) return `field path ${fieldRef.fieldPath}`;
  if (!resourceFieldRef) return "invalid valueFrom";
  const container = resourceFieldRef.containerName ? `${resourceFieldRef.containerName}/` : "";
  return `resource field ${container}${resourceFieldRef.resource}`;
}

/** What a reference stands for. @throws Error with why it stands for nothing */
export async function referenceValue(
  from: EnvVarSource,
  object: KubeObject,
  container: Container,
  env: CommandEnv,
): Promise<string> {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = from;
  const namespace = await env.namespace();
  const client = await env.client();
  if (configMapKeyRef) {
    const { name = "", key } = configMapKeyRef;
    const { data = {} } = await client.get(configMap, { namespace, name }, { signal: env.signal });
    const value = Object.hasOwn(data, key) ? data[key] : undefined;
    if (value === undefined) throw new UsageError(`key ${key} not found in config map ${name}`);
    return value;
  }
  if (secretKeyRef) {
    const { name = "", key } = secretKeyRef;
    const { data = {} } = await client.get(secret, { namespace, name }, { signal: env.signal });
    const value = Object.hasOwn(data, key) ? data[key] : undefined;
    if (value === undefined) throw new UsageError(`key ${key} not found in secret ${name}`);
    return new TextDecoder().decode(base64ToBytes(value));
  }
  if (fieldRef) return fieldValue(object, fieldRef.fieldPath);
  if (resourceFieldRef) {
    const [list = "", name = ""] = resourceFieldRef.resource.split(".");
    const resources = asJson(container.resources ?? {})[list];
    const value = isJsonObject(resources) ? resources[name] : undefined;
    return value === undefined ? "0" : String(value);
  }
  throw new UsageError("invalid valueFrom");
}

function fieldValue(object: KubeObject, path: string): string {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript) {
    const map: StringMap = object.metadata[subscript[1] as "labels" | "annotations"] ?? {};
    return map[subscript[2] ?? ""] ?? "";
  }
  let value: unknown = asJson(object);
  for (const part of path.split(".")) value = isJsonObject(value) ? (value as JsonObject)[part] : undefined;
  if (value === undefined) throw new UsageError(`unsupported fieldPath: ${path}`);
  return String(value);
}
