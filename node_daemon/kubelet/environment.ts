import type { PersistentVolume } from "../../core/kinds/persistent_volume.ts";
import type { Container, EnvFromSource, EnvVar } from "../../core/kinds/pod.ts";
import type { Service } from "../../core/kinds/service.ts";
import { RuntimeFailure } from "../runtime/runtime.ts";
import type { WantedClaim } from "./claim_cache.ts";
import { fileVariable } from "./environment_file.ts";
import { expand } from "./expansion.ts";
import { type PodFacts, podField, resourceField } from "./pod_fields.ts";
import { serviceEnvironment } from "./service_environment.ts";
import type { WantedToken } from "./token_cache.ts";
import type { MountedVolume } from "./volumes/volume.ts";

/** Where the content of ConfigMaps and Secrets comes from; undefined when there is no such object. Tokens, too. */
export interface DataSource {
  configMap(namespace: string, name: string): Promise<ObjectData | undefined>;
  secret(namespace: string, name: string): Promise<ObjectData | undefined>;
  /** A token of the pod's service account. */
  token(wanted: WantedToken): Promise<string>;
  /** The volume that a claim of the pod is bound to. @throws ClaimError */
  boundVolume(wanted: WantedClaim): Promise<PersistentVolume>;
  /** Whether another pod of the node had that volume already when this one was given it. */
  isShared(wanted: WantedClaim): boolean;
}

/** The content of a ConfigMap or Secret. */
export interface ObjectData {
  /** Everything, decoded. */
  readonly entries: ReadonlyMap<string, Uint8Array>;
  /** Names of entries that are text in a ConfigMap (`data`, not `binaryData`); of a Secret all. */
  readonly textKeys: ReadonlySet<string>;
}

/** What {@linkcode resolveEnvironment} works with. */
export interface EnvironmentOptions {
  readonly facts: PodFacts;
  readonly container: Container;
  readonly services: readonly Service[];
  readonly data: DataSource;
  /** Volumes of the pod that are ready, by name. */
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  /** Whether volumes have files that somebody looks at. */
  readonly areRead: boolean;
}

/**
 * The variables of a container, in order: services, `envFrom`, `env`; the later ones win.
 *
 * @throws RuntimeFailure CreateContainerConfigError with Kubernetes' text
 */
export async function resolveEnvironment(options: EnvironmentOptions): Promise<ReadonlyMap<string, string>> {
  const { facts, container, services } = options;
  const namespace = facts.pod.metadata.namespace ?? "default";
  const enableServiceLinks = facts.pod.spec.enableServiceLinks ?? true;
  const known = serviceEnvironment(services, { namespace, enableServiceLinks });
  const result = new Map<string, string>();
  for (const source of container.envFrom ?? []) {
    for (const [name, value] of await readEnvFrom(source, namespace, options)) result.set(name, value);
  }
  for (const variable of container.env ?? []) {
    const value = await variableValue(variable, namespace, options, (name) => result.get(name) ?? known.get(name));
    if (value !== undefined) result.set(variable.name, value);
  }
  for (const [name, value] of known) if (!result.has(name)) result.set(name, value);
  return result;
}

/** `text` with the container's own variables in it: for command and args. */
export function expandWith(text: string, environment: ReadonlyMap<string, string>): string {
  return expand(text, (name) => environment.get(name));
}

async function readEnvFrom(
  { prefix = "", configMapRef, secretRef }: EnvFromSource,
  namespace: string,
  { data }: EnvironmentOptions,
): Promise<ReadonlyMap<string, string>> {
  const reference = configMapRef ?? secretRef;
  const name = reference?.name ?? "";
  const found = configMapRef ? await data.configMap(namespace, name) : await data.secret(namespace, name);
  if (!found) {
    if (reference?.optional) return new Map();
    throw missingObject(configMapRef ? "configmap" : "secret", name);
  }
  return new Map(
    [...found.entries]
      .filter(([key]) => found.textKeys.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [prefix + key, decode(value)]),
  );
}

async function variableValue(
  { name, value, valueFrom }: EnvVar,
  namespace: string,
  { facts, container, data, volumes, areRead }: EnvironmentOptions,
  lookup: (name: string) => string | undefined,
): Promise<string | undefined> {
  if (!valueFrom) return expand(value ?? "", lookup);
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  try {
    if (fieldRef) return podField(fieldRef.fieldPath, facts);
    if (resourceFieldRef) return resourceField(resourceFieldRef, facts, container);
    if (fileKeyRef) return areRead ? await fileVariable(fileKeyRef, volumes) : undefined;
  } catch (error) {
    throw new RuntimeFailure("CreateContainerConfigError", error instanceof Error ? error.message : String(error));
  }
  const reference = configMapKeyRef ?? secretKeyRef;
  if (!reference) throw new RuntimeFailure("CreateContainerConfigError", `env "${name}" has no source`);
  const object = reference.name ?? "";
  const found = configMapKeyRef ? await data.configMap(namespace, object) : await data.secret(namespace, object);
  const bytes = found?.textKeys.has(reference.key) ? found.entries.get(reference.key) : undefined;
  if (bytes) return decode(bytes);
  if (reference.optional) return undefined;
  if (!found) throw missingObject(configMapKeyRef ? "configmap" : "secret", object);
  throw new RuntimeFailure(
    "CreateContainerConfigError",
    `couldn't find key ${reference.key} in ${configMapKeyRef ? "ConfigMap" : "Secret"} ${namespace}/${object}`,
  );
}

function missingObject(kind: "configmap" | "secret", name: string): RuntimeFailure {
  return new RuntimeFailure("CreateContainerConfigError", `${kind} "${name}" not found`);
}

const decoder = new TextDecoder();

function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
