import { keyOf, type ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import {
  localPathFolder,
  localPathProvisioner,
  type Removal,
  removalAnnotation,
  removalsOf,
} from "../../core/kinds/local_path.ts";
import {
  type Node,
  node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  persistentVolumeClaim,
  type StorageClass,
  storageClass,
} from "../../core/kinds/mod.ts";
import {
  provisionedBy,
  selectedNode,
  storageClassOf,
  storageProvisioner,
  withAnnotations,
} from "../../core/kinds/volume_binding.ts";
import { unlessGone } from "./_errors.ts";
import { withFinalizer, withoutFinalizer } from "./_finalizers.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

const hostnameLabel = "kubernetes.io/hostname";
/** Keeps a volume, also one that a person deletes, until its data are gone. */
const dataFinalizer = "external-provisioner.volume.kubernetes.io/finalizer";

/**
 * Makes volumes for claims of classes with the provisioner `wherry.dev/local-path`: folders of the node on which the
 * claim's first pod will run.
 */
export const localPathProvisionerController: Controller = {
  name: "local-path-provisioner",
  reconciles: persistentVolumeClaim,
  watches: [
    watching<StorageClass>({ kind: storageClass, keys: () => [] }),
    watching<Node>({ kind: node, keys: () => [] }),
    watching<PersistentVolume>({ kind: persistentVolume, keys: () => [] }),
  ],
  reconcile: provision,
};

/** Makes away with such volumes, and what is in them, once nobody claims them and their class says so. */
export const localPathRemoverController: Controller = {
  name: "local-path-remover",
  reconciles: persistentVolume,
  watches: [watching<Node>({ kind: node, keys: (one) => [...removalsOf(one).keys()].map((name) => ({ name })) })],
  reconcile: remove,
};

async function provision(key: ObjectKey, context: ControllerContext): Promise<ReconcileResult> {
  const { lister, client, event, signal } = context;
  const claim = lister(persistentVolumeClaim).get(key);
  if (!claim || claim.metadata.deletionTimestamp || claim.spec.volumeName) return undefined;
  if (claim.metadata.annotations?.[storageProvisioner] !== localPathProvisioner) return undefined;
  const name = `pvc-${claim.metadata.uid}`;
  if (lister(persistentVolume).get({ name })) return undefined;
  const nodeName = claim.metadata.annotations[selectedNode];
  const host = nodeName === undefined ? undefined : lister(node).get({ name: nodeName });
  const plan = planLocalVolume(claim, host, lister(storageClass).get({ name: storageClassOf(claim) }));
  if ("problem" in plan) {
    const message = `failed to provision volume with StorageClass "${storageClassOf(claim)}": ${plan.problem}`;
    event(claim, { type: "Warning", reason: "ProvisioningFailed", message });
    // The scheduler may find another node.
    const metadata = withAnnotations(claim.metadata, { [selectedNode]: undefined });
    if (nodeName !== undefined) await client.update(persistentVolumeClaim, { ...claim, metadata }, { signal });
    return undefined;
  }
  const message = `External provisioner is provisioning volume for claim "${key.namespace}/${key.name}"`;
  event(claim, { type: "Normal", reason: "Provisioning", message });
  try {
    await client.create(persistentVolume, plan.volume, { signal });
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
  event(claim, { type: "Normal", reason: "ProvisioningSucceeded", message: `Successfully provisioned volume ${name}` });
  return undefined;
}

/** The volume for a claim whose first pod will run on `host`, or why there is none. Pure. */
function planLocalVolume(
  claim: PersistentVolumeClaim,
  host: Node | undefined,
  storageClass: StorageClass | undefined,
): { readonly volume: PersistentVolume } | { readonly problem: string } {
  const { namespace = "", name = "", uid = "" } = claim.metadata;
  if (!host) return { problem: "no node was selected: use a StorageClass with volumeBindingMode WaitForFirstConsumer" };
  const folder = host.metadata.annotations?.[localPathFolder];
  const hostname = host.metadata.labels?.[hostnameLabel];
  if (!folder || !hostname) return { problem: `node ${host.metadata.name} keeps no local volumes` };
  if (claim.spec.volumeMode === "Block") return { problem: "block volumes are not supported" };
  if (claim.spec.dataSource || claim.spec.dataSourceRef) return { problem: "data sources are not supported" };
  const volume = `pvc-${uid}`;
  const persistentVolumeReclaimPolicy = storageClass?.reclaimPolicy ?? "Delete";
  return {
    volume: {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: {
        name: volume,
        annotations: { [provisionedBy]: localPathProvisioner },
        ...(persistentVolumeReclaimPolicy === "Delete" ? { finalizers: [dataFinalizer] } : {}),
      },
      spec: {
        capacity: { storage: claim.spec.resources?.requests?.["storage"] ?? "0" },
        accessModes: claim.spec.accessModes ?? [],
        volumeMode: "Filesystem",
        storageClassName: storageClassOf(claim),
        persistentVolumeReclaimPolicy,
        claimRef: { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name, uid },
        local: { path: `${folder}/${volume}` },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: hostnameLabel, operator: "In", values: [hostname] }] }],
          },
        },
      },
    },
  };
}

/** What to do about a volume and its data. */
export type RemovalPlan =
  | { readonly action: "none" | "keep" | "delete" | "letGo" }
  | { readonly action: "ask"; readonly host: Node }
  | { readonly action: "fail"; readonly reason: string };

/**
 * What is to be done about a volume that was made here: one with the policy Delete goes after its data, whoever deletes it.
 * Pure.
 *
 * @see https://kubernetes.io/docs/concepts/storage/persistent-volumes/#persistentvolume-deletion-protection-finalizer
 */
function planRemoval({ metadata, spec, status }: PersistentVolume, hosts: readonly Node[]): RemovalPlan {
  if (metadata.annotations?.[provisionedBy] !== localPathProvisioner) return { action: "none" };
  const isDeleted = metadata.deletionTimestamp !== undefined;
  const isKept = metadata.finalizers?.includes(dataFinalizer) ?? false;
  if (spec.persistentVolumeReclaimPolicy !== "Delete") return { action: isKept ? "letGo" : "none" };
  if (!isKept) return { action: isDeleted ? "none" : "keep" };
  const { phase } = status ?? {};
  if (phase !== "Released" && phase !== "Failed" && (!isDeleted || phase === "Bound")) return { action: "none" };
  const gone: RemovalPlan = { action: isDeleted ? "letGo" : "delete" };
  const values = spec.nodeAffinity?.required?.nodeSelectorTerms?.[0]?.matchExpressions?.[0]?.values ?? [];
  const host = hosts.find(({ metadata: { labels } }) => values.includes(labels?.[hostnameLabel] ?? ""));
  // With the node its disk is gone.
  if (!host) return gone;
  const removal = removalsOf(host).get(metadata.name ?? "");
  if (removal === undefined) return { action: "ask", host };
  if (removal === "removed") return gone;
  const failed = "failed: ";
  return removal.startsWith(failed) ? { action: "fail", reason: removal.slice(failed.length) } : { action: "none" };
}

async function remove(key: ObjectKey, context: ControllerContext): Promise<ReconcileResult> {
  const { lister, client, event, signal } = context;
  const volume = lister(persistentVolume).get(key);
  const hosts = lister(node).list();
  if (!volume) {
    // Its node need not remember it any longer.
    const done = hosts.find((host) => removalsOf(host).has(key.name));
    if (done) await annotate(done, key.name, null, context);
    return undefined;
  }
  const plan = planRemoval(volume, hosts);
  switch (plan.action) {
    case "keep":
      await client.update(persistentVolume, withFinalizer(volume, dataFinalizer), { signal });
      return undefined;
    case "letGo":
      await client.update(persistentVolume, withoutFinalizer(volume, dataFinalizer), { signal });
      return undefined;
    case "ask":
      await annotate(plan.host, key.name, "remove", context);
      return undefined;
    case "fail":
      // The node tries again by itself.
      event(volume, { type: "Warning", reason: "VolumeFailedDelete", message: plan.reason });
      return undefined;
    case "delete":
      await unlessGone(client.delete(persistentVolume, keyOf(volume), { preconditions: sameObject(volume), signal }));
      return undefined;
    default:
      return undefined;
  }
}

async function annotate(
  host: Node,
  name: string,
  value: Removal | null,
  { client, signal }: ControllerContext,
): Promise<void> {
  const body = { metadata: { annotations: { [removalAnnotation(name)]: value } } };
  await unlessGone(client.patch(node, keyOf(host), { type: "merge", body }, { signal }));
}
