import { asJson } from "../api/json_object.ts";
import type { Json, JsonObject } from "../api/meta.ts";
import type { Container, Pod } from "./pod.ts";

/** Names of the objects in a pod's namespace that whoever runs the pod has to read. */
export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly persistentVolumeClaims: ReadonlySet<string>;
  readonly resourceClaims: ReadonlySet<string>;
  readonly serviceAccount: string | undefined;
}

/** What a pod refers to, in its containers of every kind and in its volumes. */
export function podReferences({ metadata, spec, status }: Pod): PodReferences {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const persistentVolumeClaims = new Set<string>();
  const resourceClaims = new Set<string>();
  const loose = asJson(spec);
  for (const one of objects(loose["imagePullSecrets"])) add(secrets, one["name"]);
  const containers = [
    spec.containers,
    spec.initContainers,
    loose["ephemeralContainers"] as readonly Container[] | undefined,
  ];
  for (const { env = [], envFrom = [] } of containers.flatMap((list) => list ?? [])) {
    for (const { valueFrom } of env) {
      add(secrets, valueFrom?.secretKeyRef?.name);
      add(configMaps, valueFrom?.configMapKeyRef?.name);
    }
    for (const { secretRef, configMapRef } of envFrom) {
      add(secrets, secretRef?.name);
      add(configMaps, configMapRef?.name);
    }
  }
  for (const volume of objects(loose["volumes"])) {
    add(configMaps, object(volume["configMap"])["name"]);
    add(persistentVolumeClaims, object(volume["persistentVolumeClaim"])["claimName"]);
    if (volume["ephemeral"]) add(persistentVolumeClaims, `${metadata.name ?? ""}-${String(volume["name"])}`);
    for (const name of volumeSecrets(volume)) add(secrets, name);
    for (const source of objects(object(volume["projected"])["sources"])) {
      add(secrets, object(source["secret"])["name"]);
      add(configMaps, object(source["configMap"])["name"]);
    }
  }
  for (const claim of objects(loose["resourceClaims"])) add(resourceClaims, claim["resourceClaimName"]);
  for (const claim of objects(asJson(status)?.["resourceClaimStatuses"]))
    add(resourceClaims, claim["resourceClaimName"]);
  const account = loose["serviceAccountName"];
  const serviceAccount = typeof account === "string" && account !== "" ? account : undefined;
  return { secrets, configMaps, persistentVolumeClaims, resourceClaims, serviceAccount };
}

/** Volume types that name a secret as `secretRef.name`. */
const withSecretRef = ["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"];

function volumeSecrets(volume: JsonObject): readonly (Json | undefined)[] {
  return [
    object(volume["secret"])["secretName"],
    object(volume["azureFile"])["secretName"],
    object(object(volume["csi"])["nodePublishSecretRef"])["name"],
    ...withSecretRef.map((type) => object(object(volume[type])["secretRef"])["name"]),
  ];
}

function add(names: Set<string>, name: Json | undefined): void {
  if (typeof name === "string" && name !== "") names.add(name);
}

function object(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(object) : [];
}
