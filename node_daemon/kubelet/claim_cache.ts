import { controllerOf, type KubeObject } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import type { EventText } from "../../core/client/event_recorder.ts";
import { hasGrown, resizedStatus } from "../../core/kinds/claim_resize.ts";
import { type PersistentVolume, persistentVolume } from "../../core/kinds/persistent_volume.ts";
import { type PersistentVolumeClaim, persistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { claimKeys, ephemeralClaimName } from "../../core/kinds/pod_claims.ts";
import { errorMessage } from "../../core/util/log.ts";

/** A claim of a pod cannot be used (yet). */
export class ClaimError extends Error {
  constructor(claim: { readonly namespace: string; readonly name: string }, problem: string, options?: ErrorOptions) {
    super(`error processing PVC ${claim.namespace}/${claim.name}: ${problem}`, options);
    this.name = "ClaimError";
  }
}

/** Which claim of a pod is meant. */
export interface WantedClaim {
  readonly name: string;
  /** Whether the claim must have been made for the pod. */
  readonly isEphemeral: boolean;
}

/** Options of {@linkcode ClaimCache}. */
export interface ClaimCacheOptions {
  readonly client: Client;
  /** The pods of this node that were taken and have not come to their end, without the one that is named. */
  others(pod: Pod): readonly Pod[];
  /** What is to be told of a pod, and of its claim, that got what its volume has grown by. */
  onExpanded(object: KubeObject, event: EventText): void;
}

/**
 * The volumes to which claims of this node's pods are bound. A pod keeps what it was told once: its containers can be
 * started again while the API is away.
 */
export class ClaimCache {
  readonly #options: ClaimCacheOptions;
  /** By pod uid and name of the claim. */
  readonly #volumes = new Map<string, Map<string, PersistentVolume>>();
  /** The same of volumes that another pod had already. */
  readonly #shared = new Map<string, Set<string>>();

  constructor(options: ClaimCacheOptions) {
    this.#options = options;
  }

  /**
   * The volume that a claim of the pod is bound to.
   *
   * @throws ClaimError, or Error when the volume is for one pod only and another one has it
   * @see k8s.io/kubernetes/pkg/kubelet/volumemanager/populator
   */
  async volume(pod: Pod, { name, isEphemeral }: WantedClaim): Promise<PersistentVolume> {
    const podUid = pod.metadata.uid ?? "";
    const known = this.#volumes.get(podUid) ?? new Map<string, PersistentVolume>();
    this.#volumes.set(podUid, known);
    const present = known.get(name);
    if (present) return present;
    const key = { namespace: pod.metadata.namespace ?? "default", name };
    const fail = (problem: string, cause?: unknown) =>
      new ClaimError(key, problem, cause === undefined ? {} : { cause });
    const claim = await this.#options.client.get(persistentVolumeClaim, key).catch((error: unknown) => {
      throw fail(`failed to fetch PVC from API server: ${errorMessage(error)}`, error);
    });
    const problem = claimProblem(claim, isEphemeral ? pod : undefined);
    if (problem !== undefined) throw fail(problem);
    const volumeName = claim.spec.volumeName ?? "";
    const volume = await this.#options.client.get(persistentVolume, { name: volumeName }).catch((error: unknown) => {
      throw fail(`failed to fetch PV ${volumeName} from API server: ${errorMessage(error)}`, error);
    });
    if (volume.spec.claimRef?.uid !== claim.metadata.uid) {
      throw fail(
        `found object with expected name "${volumeName}" but claimRef.UID ${volume.spec.claimRef?.uid} does not equal expected PVC UID ${claim.metadata.uid}`,
      );
    }
    if (this.#isUsedByOther(pod, name)) {
      if (isForOnePod(volume))
        throw new Error("volume uses the ReadWriteOncePod access mode and is already in use by another pod");
      this.#shared.set(podUid, new Set(this.#shared.get(podUid)).add(name));
    }
    known.set(name, volume);
    // Nothing else has to be done for a folder that has grown.
    if (volume.spec.local && hasGrown(volume, claim)) await this.#tellGrown(pod, claim, volume);
    return volume;
  }

  /** Whether another pod of the node had the volume already when this one was given it. */
  isShared(pod: Pod, { name }: WantedClaim): boolean {
    return this.#shared.get(pod.metadata.uid ?? "")?.has(name) ?? false;
  }

  /** Whether another pod of the node has the claim's volume: it was given it, or runs since before this daemon. */
  #isUsedByOther(pod: Pod, claimName: string): boolean {
    return this.#options.others(pod).some((other) => {
      if (other.metadata.namespace !== pod.metadata.namespace) return false;
      if (!claimKeys(other).some(({ name }) => name === claimName)) return false;
      const runs = other.status?.containerStatuses?.some(({ state }) => state?.running) ?? false;
      return runs || (this.#volumes.get(other.metadata.uid ?? "")?.has(claimName) ?? false);
    });
  }

  /** @see k8s.io/kubernetes/pkg/volume/util/operationexecutor, nodeExpandVolume */
  async #tellGrown(pod: Pod, claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const storage = volume.spec.capacity?.["storage"] ?? "0";
    const { client, onExpanded } = this.#options;
    await client.updateStatus(persistentVolumeClaim, { ...claim, status: resizedStatus(claim, storage) });
    const message = `MountVolume.NodeExpandVolume succeeded for volume "${volume.metadata.name}" `;
    const event = { type: "Normal", reason: "FileSystemResizeSuccessful", message } as const;
    onExpanded(pod, event);
    onExpanded(claim, event);
  }

  /** The pod is gone. */
  release(podUid: string): void {
    this.#volumes.delete(podUid);
    this.#shared.delete(podUid);
  }
}

/** What says nothing but that may be used by several pods. */
function isForOnePod({ spec: { accessModes = [] } }: PersistentVolume): boolean {
  return accessModes.length === 1 && accessModes[0] === "ReadWriteOncePod";
}

function claimProblem({ metadata, spec, status }: PersistentVolumeClaim, owner: Pod | undefined): string | undefined {
  if (owner && controllerOf({ metadata })?.uid !== owner.metadata.uid)
    return `PVC was not created for pod ${owner.metadata.namespace}/${owner.metadata.name} (pod is not owner)`;
  if (metadata.deletionTimestamp) return "PVC is being deleted";
  return status?.phase === "Bound" && spec.volumeName ? undefined : "PVC is not bound";
}

/** The claim that a volume of a pod names, directly or by being a template of it. */
export function wantedClaim(pod: Pod, volume: NonNullable<Pod["spec"]["volumes"]>[number]): WantedClaim {
  const name = volume.persistentVolumeClaim?.claimName;
  return name === undefined
    ? { name: ephemeralClaimName(pod, volume.name), isEphemeral: true }
    : { name, isEphemeral: false };
}
