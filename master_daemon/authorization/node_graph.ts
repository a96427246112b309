import { asJson } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { isMirror } from "../../core/kinds/pod_helpers.ts";
import { podReferences } from "../../core/kinds/pod_references.ts";

/** Resources that a node may read because one of its pods needs them. */
export type NodeResource =
  | "secrets"
  | "configmaps"
  | "persistentvolumeclaims"
  | "resourceclaims"
  | "serviceaccounts"
  | "pods";

interface Uses {
  readonly node: string;
  readonly things: readonly string[];
}

/**
 * Which nodes need which objects, as told by the pods that are bound to them.
 *
 * Every look-up is by the object that is asked for: what it costs does not depend on how many pods there are.
 */
export class NodeGraph {
  readonly #pods = new Map<string, Uses>();
  /** By thing, how many pods of each node need it. */
  readonly #nodes = new Map<string, Map<string, number>>();
  /** By volume, the claim that it is bound to and the secrets that mounting it takes. */
  readonly #volumes = new Map<string, { readonly claim: string; readonly secrets: readonly string[] }>();
  /** By secret, the volumes that need it. */
  readonly #volumesBySecret = new Map<string, Set<string>>();

  setPod(pod: Pod): void {
    const { namespace = "", name = "" } = pod.metadata;
    this.deletePod(namespace, name);
    const node = pod.spec.nodeName;
    if (!node) return;
    const own = thing("pods", namespace, name);
    // Pods of a node's own open nothing to it.
    const things = isMirror(pod) ? [own] : [own, ...thingsOf(pod, namespace)];
    this.#pods.set(`${namespace}/${name}`, { node, things });
    for (const one of things) {
      const counts = this.#nodes.get(one) ?? new Map<string, number>();
      this.#nodes.set(one, counts.set(node, (counts.get(node) ?? 0) + 1));
    }
  }

  deletePod(namespace: string, name: string): void {
    const uses = this.#pods.get(`${namespace}/${name}`);
    if (!uses) return;
    this.#pods.delete(`${namespace}/${name}`);
    for (const one of uses.things) {
      const counts = this.#nodes.get(one);
      const count = (counts?.get(uses.node) ?? 0) - 1;
      if (count > 0) counts?.set(uses.node, count);
      else counts?.delete(uses.node);
      if (counts?.size === 0) this.#nodes.delete(one);
    }
  }

  setVolume(volume: KubeObject): void {
    const name = volume.metadata.name ?? "";
    this.deleteVolume(name);
    const claim = claimOf(volume);
    if (claim === undefined) return;
    const secrets = volumeSecrets(volume, claim.namespace);
    this.#volumes.set(name, { claim: thing("persistentvolumeclaims", claim.namespace, claim.name), secrets });
    for (const secret of secrets)
      this.#volumesBySecret.set(secret, (this.#volumesBySecret.get(secret) ?? new Set()).add(name));
  }

  deleteVolume(name: string): void {
    for (const secret of this.#volumes.get(name)?.secrets ?? []) {
      const volumes = this.#volumesBySecret.get(secret);
      volumes?.delete(name);
      if (volumes?.size === 0) this.#volumesBySecret.delete(secret);
    }
    this.#volumes.delete(name);
  }

  clearPods(): void {
    for (const map of [this.#pods, this.#nodes]) map.clear();
  }

  clearVolumes(): void {
    for (const map of [this.#volumes, this.#volumesBySecret]) map.clear();
  }

  /** Whether a pod of the node needs an object. */
  needs(node: string, resource: NodeResource, namespace: string, name: string): boolean {
    const key = thing(resource, namespace, name);
    if (this.#nodes.get(key)?.has(node)) return true;
    if (resource !== "secrets") return false;
    return [...(this.#volumesBySecret.get(key) ?? [])].some((volume) => this.needsVolume(node, volume));
  }

  /** Whether a pod of the node needs the claim that a volume is bound to. */
  needsVolume(node: string, volume: string): boolean {
    const claim = this.#volumes.get(volume)?.claim;
    return claim !== undefined && this.#nodes.get(claim)?.has(node) === true;
  }
}

function thing(resource: NodeResource, namespace: string, name: string): string {
  return `${resource} ${namespace}/${name}`;
}

function thingsOf(pod: Pod, namespace: string): readonly string[] {
  const { secrets, configMaps, persistentVolumeClaims, resourceClaims, serviceAccount } = podReferences(pod);
  const named = (resource: NodeResource, names: Iterable<string>) =>
    [...names].map((name) => thing(resource, namespace, name));
  return [
    ...named("secrets", secrets),
    ...named("configmaps", configMaps),
    ...named("persistentvolumeclaims", persistentVolumeClaims),
    ...named("resourceclaims", resourceClaims),
    ...named("serviceaccounts", serviceAccount === undefined ? [] : [serviceAccount]),
  ];
}

function specOf(object: KubeObject): JsonObject {
  return member(asJson(object), "spec");
}

function claimOf(volume: KubeObject): { readonly namespace: string; readonly name: string } | undefined {
  const { namespace, name } = member(specOf(volume), "claimRef");
  return typeof namespace === "string" && typeof name === "string" ? { namespace, name } : undefined;
}

/** Secrets that the kubelet reads to mount a volume: in the namespace that is named, else the claim's. */
function volumeSecrets(volume: KubeObject, claimNamespace: string): readonly string[] {
  const spec = specOf(volume);
  const csi = member(spec, "csi");
  const refs = [
    ...["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"].map((type) =>
      member(member(spec, type), "secretRef"),
    ),
    ...["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"].map((name) => member(csi, name)),
  ];
  const azure = member(spec, "azureFile");
  const named = [...refs, { name: azure["secretName"] ?? null, namespace: azure["secretNamespace"] ?? null }];
  return named.flatMap(({ name, namespace }) =>
    typeof name === "string" && name !== ""
      ? [thing("secrets", typeof namespace === "string" && namespace !== "" ? namespace : claimNamespace, name)]
      : [],
  );
}

function member(object: JsonObject, name: string): JsonObject {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
