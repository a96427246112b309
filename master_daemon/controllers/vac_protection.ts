import type { ObjectKey } from "../../core/api/meta.ts";
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  persistentVolumeClaim,
  volumeAttributesClass,
} from "../../core/kinds/mod.ts";
import { withFinalizer, withoutFinalizer } from "./_finalizers.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

const finalizer = "kubernetes.io/vac-protection";
const byClass = "volumeAttributesClass";

/**
 * Lets a class of attributes that is to go, go once no volume has it and no claim has, had or wants it.
 *
 * @see https://kubernetes.io/docs/concepts/storage/volume-attributes-classes/
 */
export const vacProtectionController: Controller = {
  name: "volumeattributesclass-protection-controller",
  reconciles: volumeAttributesClass,
  watches: [
    watching<PersistentVolumeClaim>({
      kind: persistentVolumeClaim,
      indexes: { [byClass]: classesOfClaim },
      keys: (_claim, lister) => leaving(lister),
    }),
    watching<PersistentVolume>({
      kind: persistentVolume,
      indexes: { [byClass]: classesOfVolume },
      keys: (_volume, lister) => leaving(lister),
    }),
  ],
  reconcile,
};

/** The classes that are to go: what changed may have named one of them until now. */
function leaving(lister: ControllerContext["lister"]): readonly ObjectKey[] {
  return lister(volumeAttributesClass)
    .list()
    .flatMap(({ metadata: { name = "", deletionTimestamp } }) => (deletionTimestamp ? [{ name }] : []));
}

async function reconcile(key: ObjectKey, { client, lister, signal }: ControllerContext): Promise<ReconcileResult> {
  const found = lister(volumeAttributesClass).get(key);
  if (!found) return undefined;
  const { deletionTimestamp, finalizers = [] } = found.metadata;
  const isProtected = finalizers.includes(finalizer);
  // One that a person took away comes back.
  if (!deletionTimestamp && !isProtected)
    await client.update(volumeAttributesClass, withFinalizer(found, finalizer), { signal });
  if (!deletionTimestamp || !isProtected) return undefined;
  const [volumes, claims] = [lister(persistentVolume), lister(persistentVolumeClaim)];
  if (volumes.byIndex(byClass, key.name).length + claims.byIndex(byClass, key.name).length > 0) return undefined;
  await client.update(volumeAttributesClass, withoutFinalizer(found, finalizer), { signal });
  return undefined;
}

/** Names of the classes that a claim has, or wants. */
export function classesOfClaim({ spec, status }: PersistentVolumeClaim): readonly string[] {
  const target = status?.modifyVolumeStatus?.targetVolumeAttributesClassName;
  const names = [spec.volumeAttributesClassName, status?.currentVolumeAttributesClassName, target];
  return [...new Set(names.flatMap((name) => name || []))];
}

function classesOfVolume({ spec }: PersistentVolume): readonly string[] {
  return spec.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];
}
