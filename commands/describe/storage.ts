import { asJson } from "../../core/api/json_object.ts";
import { canonicalQuantity } from "../../core/api/quantity.ts";
import { accessModesText } from "../../core/kinds/cells.ts";
import type { CSINode } from "../../core/kinds/csi_node.ts";
import type { PersistentVolume } from "../../core/kinds/persistent_volume.ts";
import type { PersistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import { type Pod, pod } from "../../core/kinds/pod.ts";
import type { StorageClass } from "../../core/kinds/storage_class.ts";
import type { VolumeAttributesClass } from "../../core/kinds/volume_attributes_class.ts";
import { labelsText } from "../output/table.ts";
import {
  annotationLines,
  boolText,
  type Describer,
  labelLines,
  metadataLines,
  multiline,
  nameLines,
  since,
  timeText,
} from "./common.ts";
import { describeEvents } from "./events.ts";
import type { Page } from "./page.ts";
import { describeSource } from "./volumes.ts";

/** A volume of the cluster. */
export const describePersistentVolume: Describer = async (object, page, context) => {
  const { metadata, spec, status } = object as PersistentVolume;
  page.line(0, `Name:\t${metadata.name}`);
  metadataLines(page, object);
  page.line(0, `Finalizers:\t[${(metadata.finalizers ?? []).join(" ")}]`);
  page.line(0, `StorageClass:\t${spec.storageClassName ?? ""}`);
  page.line(0, `Status:\t${statusText(metadata.deletionTimestamp, status?.phase, (at) => since(at, context))}`);
  page.line(0, `Claim:\t${spec.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : ""}`);
  page.line(0, `Reclaim Policy:\t${spec.persistentVolumeReclaimPolicy ?? ""}`);
  page.line(0, `Access Modes:\t${accessModesText(spec.accessModes)}`);
  if (spec.volumeMode) page.line(0, `VolumeMode:\t${spec.volumeMode}`);
  page.line(0, `Capacity:\t${canonicalQuantity(spec.capacity?.["storage"] ?? "0")}`);
  affinityLines(page, spec.nodeAffinity);
  page.line(0, `Message:\t${status?.message ?? ""}`);
  page.line(0, "Source:");
  describeSource(page, asJson(spec), { persistent: true });
  await describeEvents(page, object, context);
};

function statusText(deleted: string | undefined, phase = "", age: (at: string) => string): string {
  return deleted ? `Terminating (lasts ${age(deleted)})` : phase;
}

function affinityLines(page: Page, affinity: PersistentVolume["spec"]["nodeAffinity"]): void {
  const required = affinity?.required;
  if (!required) {
    page.line(0, "Node Affinity:\t<none>");
    return;
  }
  page.line(0, "Node Affinity:\t");
  const terms = required.nodeSelectorTerms ?? [];
  page.line(1, `Required Terms:\t${terms.length === 0 ? "<none>" : ""}`);
  terms.forEach(({ matchExpressions = [] }, index) => {
    const lines = matchExpressions.map(({ key, operator, values = [] }) => {
      const list = values.length > 0 ? ` [${values.join(", ")}]` : "";
      return `${key} ${operator.toLowerCase()}${list}`;
    });
    termLines(page, 2, `Term ${index}`, lines);
  });
}

function termLines(page: Page, level: number, title: string, lines: readonly string[]): void {
  const shown = lines.length === 0 ? ["<none>"] : lines;
  shown.forEach((line, index) => {
    page.line(level, `${index === 0 ? `${title}:` : ""}\t${line}`);
  });
}

/** A claim to a volume, and the pods that use it. */
export const describeClaimOfVolume: Describer = async (object, page, context) => {
  const claim = object as PersistentVolumeClaim;
  const { metadata, spec, status } = claim;
  nameLines(page, object);
  page.line(
    0,
    `StorageClass:\t${spec.storageClassName ?? metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? ""}`,
  );
  page.line(0, `Status:\t${statusText(metadata.deletionTimestamp, status?.phase, (at) => since(at, context))}`);
  page.line(0, `Volume:\t${spec.volumeName ?? ""}`);
  labelLines(page, "Labels", metadata.labels);
  annotationLines(page, "Annotations", metadata.annotations);
  page.line(0, `Finalizers:\t[${(metadata.finalizers ?? []).join(" ")}]`);
  page.line(0, `Capacity:\t${spec.volumeName ? canonicalQuantity(status?.capacity?.["storage"] ?? "0") : ""}`);
  page.line(0, `Access Modes:\t${spec.volumeName ? accessModesText(status?.accessModes) : ""}`);
  if (spec.volumeMode) page.line(0, `VolumeMode:\t${spec.volumeMode}`);
  if (spec.dataSource) {
    page.line(0, "DataSource:");
    if (spec.dataSource.apiGroup !== undefined) page.line(1, `APIGroup:\t${spec.dataSource.apiGroup}`);
    page.line(1, `Kind:\t${spec.dataSource.kind}`);
    page.line(1, `Name:\t${spec.dataSource.name}`);
  }
  const { items } = await context.client.list(pod, { namespace: metadata.namespace, signal: context.signal });
  multiline(
    page,
    "Used By",
    items
      .filter((one) => uses(one, claim))
      .map((one) => one.metadata.name ?? "")
      .sort(),
  );
  const conditions = status?.conditions ?? [];
  if (conditions.length > 0) {
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for (const one of conditions) {
      const { lastProbeTime } = one as { readonly lastProbeTime?: string };
      page.line(
        1,
        `${one.type} \t${one.status} \t${timeText(lastProbeTime)} \t${timeText(one.lastTransitionTime)} \t${one.reason ?? ""} \t${one.message ?? ""}`,
      );
    }
  }
  await describeEvents(page, object, context);
};

function uses({ metadata, spec }: Pod, claim: PersistentVolumeClaim): boolean {
  return (
    (spec.volumes ?? []).some(
      ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim.metadata.name,
    ) || (claim.metadata.ownerReferences ?? []).some(({ kind, uid }) => kind === "Pod" && uid === metadata.uid)
  );
}

/** How volumes are made. */
export const describeStorageClass: Describer = async (object, page, context) => {
  const { metadata, ...own } = object as StorageClass;
  const isDefault = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `IsDefaultClass:\t${isDefault.some((name) => metadata.annotations?.[name] === "true") ? "Yes" : "No"}`);
  page.line(0, `Annotations:\t${labelsText(metadata.annotations)}`);
  page.line(0, `Provisioner:\t${own.provisioner}`);
  page.line(0, `Parameters:\t${labelsText(own.parameters)}`);
  page.line(
    0,
    `AllowVolumeExpansion:\t${own.allowVolumeExpansion === undefined ? "<unset>" : boolText(own.allowVolumeExpansion)}`,
  );
  const options = own.mountOptions ?? [];
  page.line(0, options.length === 0 ? "MountOptions:\t<none>" : "MountOptions:");
  for (const option of options) page.line(1, option);
  if (own.reclaimPolicy) page.line(0, `ReclaimPolicy:\t${own.reclaimPolicy}`);
  if (own.volumeBindingMode) page.line(0, `VolumeBindingMode:\t${own.volumeBindingMode}`);
  if (own.allowedTopologies) {
    page.line(0, `AllowedTopologies:\t${own.allowedTopologies.length === 0 ? "<none>" : ""}`);
    own.allowedTopologies.forEach(({ matchLabelExpressions = [] }, index) => {
      termLines(
        page,
        1,
        `Term ${index}`,
        matchLabelExpressions.map(({ key, values }) => `${key} in [${values.join(", ")}]`),
      );
    });
  }
  await describeEvents(page, object, context);
};

/** What volumes may be changed to. */
export const describeVolumeAttributesClass: Describer = async (object, page, context) => {
  const { metadata, driverName, parameters } = object as VolumeAttributesClass;
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `Annotations:\t${labelsText(metadata.annotations)}`);
  page.line(0, `DriverName:\t${driverName}`);
  page.line(0, `Parameters:\t${labelsText(parameters)}`);
  await describeEvents(page, object, context);
};

/** The drivers of a node. */
export const describeCsiNode: Describer = async (object, page, context) => {
  const { metadata, spec } = object as CSINode;
  page.line(0, `Name:\t${metadata.name}`);
  metadataLines(page, object);
  page.line(0, `CreationTimestamp:\t${timeText(metadata.creationTimestamp)}`);
  page.line(0, "Spec:");
  if (spec.drivers) page.line(1, "Drivers:");
  for (const { name, nodeID, allocatable, topologyKeys } of spec.drivers ?? []) {
    page.line(2, `${name}:`);
    page.line(3, `Node ID:\t${nodeID}`);
    if (allocatable?.count !== undefined) {
      page.line(3, "Allocatables:");
      page.line(4, `Count:\t${allocatable.count}`);
    }
    if (topologyKeys) page.line(3, `Topology Keys:\t[${topologyKeys.join(" ")}]`);
  }
  await describeEvents(page, object, context);
};
