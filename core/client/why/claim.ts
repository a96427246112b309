import { formatQuantity } from "../../api/quantity.ts";
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  type StorageClass,
  storageClass,
} from "../../kinds/mod.ts";
import {
  isVolumeOf,
  noProvisioner,
  storageClassOf,
  storageOf,
  volumeMisfit,
  waitsForConsumer,
} from "../../kinds/volume_binding.ts";
import { eventsOf } from "./events_of.ts";
import { conditionText, type Explainer, lastSeen, type Reason, type WhyContext } from "./explanation.ts";
import { find, list } from "./look.ts";

/** Volumes that are named one by one. */
const shownVolumes = 3;

/** Why a claim has no volume, or which. */
export const explainClaim: Explainer<PersistentVolumeClaim> = async (claim, context) => {
  const { spec, status } = claim;
  const phase = status?.phase ?? "Pending";
  const conditions = (status?.conditions ?? [])
    .filter((one) => one.status === "True")
    .map(
      (one): Reason => ({
        stage: "volumes",
        says: conditionText(one),
        since: one.lastTransitionTime ?? undefined,
      }),
    );
  if (phase === "Bound") return { state: `Bound to ${spec.volumeName ?? ""}`, isWell: true, reasons: conditions };
  return { state: phase, isWell: false, reasons: [...conditions, ...(await claimReasons(claim, context))] };
};

/** Why a claim that is not bound is not. */
export async function claimReasons(claim: PersistentVolumeClaim, context: WhyContext): Promise<readonly Reason[]> {
  const { spec, status } = claim;
  if (status?.phase === "Lost")
    return [{ stage: "volumes", says: `its volume ${spec.volumeName ?? ""} is gone, and with it its data` }];
  const events = await eventsOf(claim, context);
  const warning = events.find(({ type }) => type === "Warning");
  const told: readonly Reason[] = warning?.message
    ? [{ stage: "event", says: warning.message, since: lastSeen(warning) }]
    : [];
  if (spec.volumeName) return [await namedReason(claim, spec.volumeName, context), ...told];
  const volumes = (await list(persistentVolume, context)) ?? [];
  const className = storageClassOf(claim);
  const found = className ? await find(storageClass, { name: className }, context) : undefined;
  if (className && found === undefined && !volumes.some((one) => storageClassOf(one) === className)) {
    const remedy = "make the StorageClass, or make the claim anew with one of: wherry get storageclasses";
    return [{ stage: "volumes", says: `there is no StorageClass ${className}`, remedy }, ...told];
  }
  if (found && found !== "unknown" && found.provisioner !== noProvisioner) return [...told, madeReason(claim, found)];
  const waits: readonly Reason[] =
    found && found !== "unknown" && waitsForConsumer(found) ? [waitReason(className)] : [];
  const noFit = byHandReason(claim, volumes);
  return noFit ? [noFit, ...waits, ...told] : [...waits, ...told];
}

/** Of a claim whose volume somebody makes. */
function madeReason(claim: PersistentVolumeClaim, found: StorageClass): Reason {
  const isChosen = claim.metadata.annotations?.["volume.kubernetes.io/selected-node"] !== undefined;
  if (waitsForConsumer(found) && !isChosen) return waitReason(found.metadata.name ?? "");
  return {
    stage: "volumes",
    says: `the provisioner ${found.provisioner} of its StorageClass has not made its volume yet`,
    remedy: `check that ${found.provisioner} runs`,
  };
}

function waitReason(className: string): Reason {
  return { stage: "volumes", says: `StorageClass ${className} gives it a volume once a pod that mounts it has a node` };
}

/** Of a claim that takes one of the volumes that people made: how those of its class fall short. Pure. */
export function byHandReason(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[]): Reason | undefined {
  const className = storageClassOf(claim);
  const own = volumes.filter((one) => storageClassOf(one) === className);
  const misfits = own.map((volume) => misfitOf(volume, claim));
  if (own.length > 0 && misfits.some((one) => one === undefined)) return undefined;
  const wanted = formatQuantity(storageOf(claim.spec.resources?.requests));
  const ofClass = className ? `of its StorageClass ${className}` : "without a StorageClass";
  const remedy = `make one: ${wanted}, ${(claim.spec.accessModes ?? []).join(", ")}${className ? `, storageClassName ${className}` : ""}`;
  if (own.length === 0) {
    const says =
      claim.spec.storageClassName === undefined && !className
        ? "no StorageClass was the default one when it was made, and there is no PersistentVolume without one"
        : `there is no PersistentVolume ${ofClass}`;
    return { stage: "volumes", says, remedy };
  }
  const lines = own.slice(0, shownVolumes).map(({ metadata }, index) => `${metadata.name}: ${misfits[index]}`);
  const more = own.length > shownVolumes ? [`and ${own.length - shownVolumes} more`] : [];
  return { stage: "volumes", says: `no PersistentVolume ${ofClass} fits`, details: [...lines, ...more], remedy };
}

function misfitOf(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  const { claimRef, capacity } = volume.spec;
  if (claimRef && !isVolumeOf(volume, claim)) return `it belongs to the claim ${claimRef.namespace}/${claimRef.name}`;
  const misfit = volumeMisfit(volume, claim);
  if (misfit === "requested PV is too small") {
    const sizes = [capacity, claim.spec.resources?.requests].map((list) => formatQuantity(storageOf(list)));
    return `it is too small: ${sizes[0]} of ${sizes[1]}`;
  }
  if (misfit === "incompatible accessMode")
    return `it does not have all of ${(claim.spec.accessModes ?? []).join(", ")}`;
  return misfit;
}

/** Its class is only compared with the volume's: there need not be one. */
async function namedReason(claim: PersistentVolumeClaim, name: string, context: WhyContext): Promise<Reason> {
  const says = `it wants the PersistentVolume ${name} and no other`;
  const volume = await find(persistentVolume, { name }, context);
  if (volume === "unknown") return { stage: "volumes", says };
  if (!volume)
    return {
      stage: "volumes",
      says: `${says}, and there is none of that name`,
      remedy: `make the PersistentVolume ${name}`,
    };
  const misfit = misfitOf(volume, claim);
  const details = misfit ? { details: [`${name}: ${misfit}`] } : {};
  return { stage: "volumes", says, ...details, remedy: `wherry why pv/${name}` };
}
