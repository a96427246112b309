import type { ForeignVolumeSources } from "./pod.ts";

/** What Kubernetes fills in of storage that is somebody else's, for the volumes of pods and for persistent ones. */
export function foreignDefaults({ iscsi, rbd, azureDisk, scaleIO }: ForeignVolumeSources): ForeignVolumeSources {
  return {
    ...(iscsi && { iscsi: { ...iscsi, iscsiInterface: iscsi["iscsiInterface"] || "default" } }),
    ...(rbd && {
      rbd: {
        ...rbd,
        pool: rbd["pool"] || "rbd",
        user: rbd["user"] || "admin",
        keyring: rbd["keyring"] || "/etc/ceph/keyring",
      },
    }),
    ...(azureDisk && {
      azureDisk: { cachingMode: "ReadWrite", fsType: "ext4", readOnly: false, kind: "Shared", ...azureDisk },
    }),
    ...(scaleIO && {
      scaleIO: {
        ...scaleIO,
        storageMode: scaleIO["storageMode"] || "ThinProvisioned",
        fsType: scaleIO["fsType"] || "xfs",
      },
    }),
  };
}
