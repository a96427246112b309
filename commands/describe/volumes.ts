import { asJson, getOwn, isJsonObject } from "../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../core/api/meta.ts";
import { canonicalQuantity } from "../../core/api/quantity.ts";
import type { PersistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import type { Volume } from "../../core/kinds/pod.ts";
import { describeClaim } from "./claim.ts";
import { sortedEntries, text } from "./common.ts";
import type { Page } from "./page.ts";

/** A source: what it is called, and its fields with their titles. A field is one of the source, or made from it. */
interface Source {
  readonly type: string;
  readonly fields: readonly (readonly [title: string, field: string | ((source: JsonObject) => string)])[];
}

const readOnly = ["ReadOnly:", (source: JsonObject) => String(source["readOnly"] === true)] as const;
const optional = ["Optional:", (source: JsonObject) => String(source["optional"] === true)] as const;
const fsType = ["FSType:", "fsType"] as const;

function list(name: string): (source: JsonObject) => string {
  return (source) => text(source[name] ?? []);
}

function reference(name: string, fields: readonly string[]): (source: JsonObject) => string {
  return (source) => {
    const value = source[name];
    return isJsonObject(value) ? `&${`{${fields.map((field) => text(value[field] ?? "")).join(" ")}}`}` : "nil";
  };
}

const localRef = reference("secretRef", ["name"]);

/** What describe says of each kind of source. @see k8s.io/kubectl/pkg/describe/describe.go */
const sources: Readonly<Record<string, Source>> = {
  hostPath: {
    type: "HostPath (bare host directory volume)",
    fields: [
      ["Path:", "path"],
      ["HostPathType:", (source) => text(source["type"] ?? "<none>")],
    ],
  },
  emptyDir: {
    type: "EmptyDir (a temporary directory that shares a pod's lifetime)",
    fields: [
      ["Medium:", "medium"],
      ["SizeLimit:", ({ sizeLimit }) => (sizeLimit === undefined ? "<unset>" : canonicalQuantity(text(sizeLimit)))],
    ],
  },
  gcePersistentDisk: {
    type: "GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)",
    fields: [["PDName:", "pdName"], fsType, ["Partition:", ({ partition }) => text(partition ?? 0)], readOnly],
  },
  awsElasticBlockStore: {
    type: "AWSElasticBlockStore (a Persistent Disk resource in AWS)",
    fields: [["VolumeID:", "volumeID"], fsType, ["Partition:", ({ partition }) => text(partition ?? 0)], readOnly],
  },
  gitRepo: {
    type: "GitRepo (a volume that is pulled from git when the pod is created)",
    fields: [
      ["Repository:", "repository"],
      ["Revision:", "revision"],
    ],
  },
  secret: { type: "Secret (a volume populated by a Secret)", fields: [["SecretName:", "secretName"], optional] },
  configMap: { type: "ConfigMap (a volume populated by a ConfigMap)", fields: [["Name:", "name"], optional] },
  nfs: {
    type: "NFS (an NFS mount that lasts the lifetime of a pod)",
    fields: [["Server:", "server"], ["Path:", "path"], readOnly],
  },
  iscsi: {
    type: "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)",
    fields: [
      ["TargetPortal:", "targetPortal"],
      ["IQN:", "iqn"],
      ["Lun:", ({ lun }) => text(lun ?? 0)],
      ["ISCSIInterface", "iscsiInterface"],
      fsType,
      readOnly,
      ["Portals:", list("portals")],
      ["DiscoveryCHAPAuth:", (source) => String(source["chapAuthDiscovery"] === true)],
      ["SessionCHAPAuth:", (source) => String(source["chapAuthSession"] === true)],
      ["SecretRef:", localRef],
      ["InitiatorName:", ({ initiatorName }) => text(initiatorName ?? "<none>")],
    ],
  },
  glusterfs: {
    type: "Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)",
    fields: [["EndpointsName:", "endpoints"], ["Path:", "path"], readOnly],
  },
  persistentVolumeClaim: {
    type: "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
    fields: [["ClaimName:", "claimName"], readOnly],
  },
  rbd: {
    type: "RBD (a Rados Block Device mount on the host that shares a pod's lifetime)",
    fields: [
      ["CephMonitors:", list("monitors")],
      ["RBDImage:", "image"],
      fsType,
      ["RBDPool:", "pool"],
      ["RadosUser:", "user"],
      ["Keyring:", "keyring"],
      ["SecretRef:", localRef],
      readOnly,
    ],
  },
  quobyte: {
    type: "Quobyte (a Quobyte mount on the host that shares a pod's lifetime)",
    fields: [["Registry:", "registry"], ["Volume:", "volume"], readOnly],
  },
  azureDisk: {
    type: "AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)",
    fields: [
      ["DiskName:", "diskName"],
      ["DiskURI:", "diskURI"],
      ["Kind: ", "kind"],
      fsType,
      ["CachingMode:", "cachingMode"],
      readOnly,
    ],
  },
  vsphereVolume: {
    type: "vSphereVolume (a Persistent Disk resource in vSphere)",
    fields: [["VolumePath:", "volumePath"], fsType, ["StoragePolicyName:", "storagePolicyName"]],
  },
  cinder: {
    type: "Cinder (a Persistent Disk resource in OpenStack)",
    fields: [["VolumeID:", "volumeID"], fsType, readOnly, ["SecretRef:", localRef]],
  },
  photonPersistentDisk: {
    type: "PhotonPersistentDisk (a Persistent Disk resource in photon platform)",
    fields: [["PdID:", "pdID"], fsType],
  },
  portworxVolume: { type: "PortworxVolume (a Portworx Volume resource)", fields: [["VolumeID:", "volumeID"]] },
  scaleIO: {
    type: "ScaleIO (a persistent volume backed by a block device in ScaleIO)",
    fields: [
      ["Gateway:", "gateway"],
      ["System:", "system"],
      ["Protection Domain:", "protectionDomain"],
      ["Storage Pool:", "storagePool"],
      ["Storage Mode:", "storageMode"],
      ["VolumeName:", "volumeName"],
      fsType,
      readOnly,
    ],
  },
  local: {
    type: "LocalVolume (a persistent volume backed by local storage on a node)",
    fields: [["Path:", "path"]],
  },
  cephfs: {
    type: "CephFS (a CephFS mount on the host that shares a pod's lifetime)",
    fields: [
      ["Monitors:", list("monitors")],
      ["Path:", "path"],
      ["User:", "user"],
      ["SecretFile:", "secretFile"],
      ["SecretRef:", localRef],
      readOnly,
    ],
  },
  storageos: {
    type: "StorageOS (a StorageOS Persistent Disk resource)",
    fields: [["VolumeName:", "volumeName"], ["VolumeNamespace:", "volumeNamespace"], fsType, readOnly],
  },
  fc: {
    type: "FC (a Fibre Channel disk)",
    fields: [
      ["TargetWWNs:", ({ targetWWNs }) => ((targetWWNs ?? []) as readonly Json[]).map(text).join(", ")],
      ["LUN:", ({ lun }) => text(lun ?? "<none>")],
      fsType,
      readOnly,
    ],
  },
  azureFile: {
    type: "AzureFile (an Azure File Service mount on the host and bind mount to the pod)",
    fields: [["SecretName:", "secretName"], ["ShareName:", "shareName"], readOnly],
  },
  flexVolume: {
    type: "FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)",
    fields: [
      ["Driver:", "driver"],
      fsType,
      ["SecretRef:", localRef],
      readOnly,
      ["Options:", ({ options }) => text(options ?? {})],
    ],
  },
  flocker: {
    type: "Flocker (a Flocker volume mounted by the Flocker agent)",
    fields: [
      ["DatasetName:", "datasetName"],
      ["DatasetUUID:", "datasetUUID"],
    ],
  },
  csi: {
    type: "CSI (a Container Storage Interface (CSI) volume source)",
    fields: [["Driver:", "driver"], fsType, readOnly],
  },
  image: {
    type: "Image (a container image or OCI artifact)",
    fields: [
      ["Reference:", "reference"],
      ["PullPolicy:", "pullPolicy"],
    ],
  },
};

/** The volumes of a pod or of a template. `space` stands before titles. */
export function describeVolumes(page: Page, volumes: readonly Volume[] = [], space = ""): void {
  if (volumes.length === 0) {
    page.line(0, `${space}Volumes:\t<none>`);
    return;
  }
  page.line(0, `${space}Volumes:`);
  for (const volume of volumes) {
    page.line(1, `${space ? " " : ""}${volume.name}:`);
    describeSource(page, asJson(volume));
  }
}

/** The source that a volume has, whichever it is. `persistent`: as volumes of the cluster name it. */
export function describeSource(
  page: Page,
  volume: JsonObject,
  { persistent = false }: { readonly persistent?: boolean } = {},
): void {
  if (isJsonObject(volume["projected"])) {
    describeProjected(page, volume["projected"]);
    return;
  }
  if (isJsonObject(volume["downwardAPI"])) {
    describeDownwardApi(page, volume["downwardAPI"]);
    return;
  }
  if (isJsonObject(volume["ephemeral"])) {
    describeEphemeral(page, volume["ephemeral"]);
    return;
  }
  const name = Object.keys(sources).find((key) => isJsonObject(getOwn(volume, key)));
  const source = name === undefined ? undefined : volume[name];
  const known = name === undefined ? undefined : sources[name];
  if (!known || !isJsonObject(source)) {
    page.line(1, "<unknown>");
    return;
  }
  page.line(2, `Type:\t${known.type}`);
  for (const [title, field] of fieldsOf(known, name ?? "", persistent))
    page.line(2, `${title}\t${typeof field === "string" ? text(source[field] ?? "") : field(source)}`);
  if (name === "csi") attributeLines(page, source["volumeAttributes"]);
}

/** Volumes of the cluster say where things are that a pod has in its namespace. */
function fieldsOf({ fields }: Source, name: string, persistent: boolean): Source["fields"] {
  if (!persistent) return fields;
  const after = (title: string, ...more: Source["fields"]) =>
    fields.flatMap((field) => (field[0] === title ? [field, ...more] : [field]));
  switch (name) {
    case "csi":
      return after("FSType:", ["VolumeHandle:", "volumeHandle"]);
    case "glusterfs":
      return after("EndpointsName:", [
        "EndpointsNamespace:",
        ({ endpointsNamespace }) => text(endpointsNamespace ?? "<unset>"),
      ]);
    case "azureFile":
      return after("SecretName:", ["SecretNamespace:", "secretNamespace"]);
    case "scaleIO":
      return after(
        "VolumeName:",
        ["SecretName:", ({ secretRef }) => (isJsonObject(secretRef) ? text(secretRef["name"]) : "")],
        ["SecretNamespace:", ({ secretRef }) => (isJsonObject(secretRef) ? text(secretRef["namespace"]) : "")],
      );
    default:
      return fields;
  }
}

/** Longest attribute that is shown. */
const maxAttribute = 140;

function attributeLines(page: Page, attributes: Json | undefined): void {
  const entries = isJsonObject(attributes) ? sortedEntries(attributes) : [];
  if (entries.length === 0) page.line(2, "VolumeAttributes:\t<none>");
  entries.forEach(([key, value], index) => {
    const line = `${key}=${text(value)}`;
    const shown = line.length > maxAttribute ? `${line.slice(0, maxAttribute)}...` : line;
    page.line(2, index === 0 ? `VolumeAttributes:\t    ${shown}` : `    \t    ${shown}`);
  });
}

function describeProjected(page: Page, { sources: parts = [] }: JsonObject): void {
  page.line(2, "Type:\tProjected (a volume that contains injected data from multiple sources)");
  for (const part of parts as readonly JsonObject[]) {
    const { secret, downwardAPI, configMap, serviceAccountToken } = part;
    if (isJsonObject(secret)) {
      page.line(2, `SecretName:\t${text(secret["name"])}`);
      page.line(2, `Optional:\t${secret["optional"] === true}`);
    } else if (downwardAPI !== undefined) page.line(2, "DownwardAPI:\ttrue");
    else if (isJsonObject(configMap)) {
      page.line(2, `ConfigMapName:\t${text(configMap["name"])}`);
      page.line(2, `Optional:\t${configMap["optional"] === true}`);
    } else if (isJsonObject(serviceAccountToken))
      page.line(2, `TokenExpirationSeconds:\t${text(serviceAccountToken["expirationSeconds"])}`);
  }
}

function describeDownwardApi(page: Page, { items = [] }: JsonObject): void {
  page.line(2, "Type:\tDownwardAPI (a volume populated by information about the pod)\n    Items:");
  for (const { fieldRef, resourceFieldRef, path } of items as readonly JsonObject[]) {
    if (isJsonObject(fieldRef)) page.line(3, `${text(fieldRef["fieldPath"])} -> ${text(path)}`);
    if (isJsonObject(resourceFieldRef)) page.line(3, `${text(resourceFieldRef["resource"])} -> ${text(path)}`);
  }
}

function describeEphemeral(page: Page, { volumeClaimTemplate }: JsonObject): void {
  page.line(
    2,
    "Type:\tEphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)",
  );
  if (!isJsonObject(volumeClaimTemplate)) return;
  const claim = { metadata: {}, ...volumeClaimTemplate } as unknown as PersistentVolumeClaim;
  describeClaim((line) => page.line(2, line), claim);
}
