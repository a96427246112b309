import { controllerOf } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { type PersistentVolume, persistentVolume } from "../../core/kinds/persistent_volume.ts";
import { type PersistentVolumeClaim, persistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { ephemeralClaimName } from "../../core/kinds/pod_claims.ts";
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

/**
 * The volumes to which claims of this node's pods are bound. A pod keeps what it was told once: its containers can be
 * started again while the API is away.
 */
export class ClaimCache {
  readonly #client: Client;
  /** By pod uid and name of the claim. */
  readonly #volumes = new Map<string, Map<string, PersistentVolume>>();

  constructor({ client }: { readonly client: Client }) {
    this.#client = client;
  }

  /**
   * The volume that a claim of the pod is bound to.
   *
   * @throws ClaimError
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
    const claim = await this.#client.get(persistentVolumeClaim, key).catch((error: unknown) => {
      throw fail(`failed to fetch PVC from API server: ${errorMessage(error)}`, error);
    });
    const problem = claimProblem(claim, isEphemeral ? pod : undefined);
    if (problem !== undefined) throw fail(problem);
    const volumeName = claim.spec.volumeName ?? "";
    const volume = await this.#client.get(persistentVolume, { name: volumeName }).catch((error: unknown) => {
      throw fail(`failed to fetch PV ${volumeName} from API server: ${errorMessage(error)}`, error);
    });
    if (volume.spec.claimRef?.uid !== claim.metadata.uid) {
      throw fail(
        `found object with expected name "${volumeName}" but claimRef.UID ${volume.spec.claimRef?.uid} does not equal expected PVC UID ${claim.metadata.uid}`,
      );
    }
    known.set(name, volume);
    return volume;
  }

  /** The pod is gone. */
  release(podUid: string): void {
    this.#volumes.delete(podUid);
  }
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
