/**
 * What is wrong with the sources of volumes that pods and persistent volumes have in common: mostly what must be there.
 * Sources that are more than a few words, or that only pods have, are checked in volume_validation.ts.
 */
import { getOwn, isJsonObject } from "../api/json_object.ts";
import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import type { Json, JsonObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import {
  backstepError,
  check,
  checkAll,
  checkOneOf,
  checkRequired,
  descendingPathErrors,
  type FieldErrors,
} from "./validators.ts";

/** Checks one source: the object under the name of its type. */
type SourceCheck = (source: JsonObject, field: string, where: Where) => FieldErrors;

/** Whose source it is. */
interface Where {
  /** Name of the persistent volume. Absent: a pod's volume. */
  readonly persistentVolume?: string;
}

const pathTypes = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

const checks: ReadonlyMap<string, SourceCheck> = new Map<string, SourceCheck>([
  ["hostPath", checkHostPath],
  ["gcePersistentDisk", all(required("pdName"), checkPartition)],
  ["awsElasticBlockStore", all(required("volumeID"), checkPartition)],
  [
    "gitRepo",
    all(required("repository"), (source, field) => {
      const directory = textAt(source, "directory");
      return checkAll(`${field}.directory`, directory, descendingPathErrors(directory));
    }),
  ],
  ["nfs", all(required("server", "path"), checkNfsPath)],
  ["iscsi", checkIscsi],
  ["glusterfs", all(required("endpoints", "path"), checkEndpointsNamespace)],
  ["rbd", requiredLists("monitors", "image")],
  ["cinder", all(required("volumeID"), checkSecretName)],
  ["cephfs", requiredLists("monitors")],
  ["flocker", checkFlocker],
  ["fc", checkFibreChannel],
  ["flexVolume", all(required("driver"), checkFlexOptions)],
  ["azureFile", all(required("secretName", "shareName"), checkSecretNamespace)],
  ["azureDisk", all(required("diskName", "diskURI"), checkAzureDisk)],
  ["vsphereVolume", required("volumePath")],
  ["photonPersistentDisk", required("pdID")],
  ["portworxVolume", required("volumeID")],
  ["quobyte", checkQuobyte],
  ["scaleIO", required("gateway", "system", "volumeName")],
  ["storageos", checkStorageOs],
  ["local", (source, field) => checkRequired(`${field}.path`, textAt(source, "path"), backstepError)],
]);

/** What is wrong with one source; nothing for those that are checked elsewhere. */
export function checkVolumeSource(
  type: string,
  source: Json | undefined,
  field: string,
  where: Where = {},
): FieldErrors {
  return isJsonObject(source) ? (checks.get(type)?.(source, field, where) ?? []) : [];
}

/** A CSI driver's name. */
export function checkDriverName(field: string, name: string): FieldErrors {
  const errors: FieldError[] = name === "" ? [fieldError.required(field)] : [];
  if (name.length > 63) errors.push(fieldError.tooLong(field, 63));
  return [...errors, ...check(field, name, dnsSubdomainError(name.toLowerCase()))];
}

function textAt(source: JsonObject, member: string): string {
  const value = getOwn(source, member);
  return typeof value === "string" ? value : "";
}

function all(...parts: readonly SourceCheck[]): SourceCheck {
  return (source, field, where) => parts.flatMap((part) => part(source, field, where));
}

function required(...members: readonly string[]): SourceCheck {
  return (source, field) => members.flatMap((member) => checkRequired(`${field}.${member}`, textAt(source, member)));
}

/** Like `required`, of lists as well. */
function requiredLists(...members: readonly string[]): SourceCheck {
  return (source, field) =>
    members
      .filter((member) => {
        const value = getOwn(source, member);
        return Array.isArray(value) ? value.length === 0 : !value;
      })
      .map((member) => fieldError.required(`${field}.${member}`));
}

function optional(
  source: JsonObject,
  field: string,
  member: string,
  reasonOf: (text: string) => string | undefined,
): FieldErrors {
  const text = textAt(source, member);
  return text ? check(`${field}.${member}`, text, reasonOf(text)) : [];
}

function checkHostPath(source: JsonObject, field: string): FieldErrors {
  const path = textAt(source, "path");
  if (!path) return [fieldError.required(`${field}.path`)];
  return [
    ...check(`${field}.path`, path, backstepError(path)),
    ...checkOneOf(`${field}.type`, textAt(source, "type"), pathTypes),
  ];
}

function checkPartition(source: JsonObject, field: string): FieldErrors {
  const partition = getOwn(source, "partition");
  if (typeof partition !== "number" || (partition >= 0 && partition <= 255)) return [];
  return [fieldError.invalid(`${field}.partition`, partition, "must be between 1 and 255, inclusive")];
}

function checkNfsPath(source: JsonObject, field: string): FieldErrors {
  const path = textAt(source, "path");
  return path.startsWith("/") ? [] : [fieldError.invalid(`${field}.path`, path, "must be an absolute path")];
}

const initiatorFormats: readonly (readonly [string, RegExp])[] = [
  ["iqn", /iqn\.\d{4}-\d{2}\.[A-Za-z0-9\-.]+:[^,;*&$|\s]+$/],
  ["eui", /^eui.[A-Za-z0-9]{16}$/],
  ["naa", /^naa.[A-Za-z0-9]{32}$/],
];

/** Kubernetes says less of the initiators of persistent volumes. */
function initiatorError(name: string, { persistentVolume }: Where): string | undefined {
  if (name.length > 1024) return "must be valid format";
  const format = initiatorFormats.find(([prefix]) => name.startsWith(prefix));
  if (!format && persistentVolume === undefined) return "must be valid format starting with iqn, eui, or naa";
  return format?.[1].test(name) ? undefined : "must be valid format";
}

/** Of a volume's name and the portal of its iSCSI target together. */
export const longPortal =
  "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

function checkPortalLength(initiator: Json | undefined, portal: string, field: string, where: Where): FieldErrors {
  const { persistentVolume: name } = where;
  return name === undefined || initiator === undefined || `${name}:${portal}`.length <= 64
    ? []
    : [fieldError.invalid(`${field}.targetportal`, portal, longPortal)];
}

function checkIscsi(source: JsonObject, field: string, where: Where): FieldErrors {
  const lun = getOwn(source, "lun") ?? 0;
  const usesChap = getOwn(source, "chapAuthDiscovery") === true || getOwn(source, "chapAuthSession") === true;
  const initiator = getOwn(source, "initiatorName");
  return [
    ...checkRequired(`${field}.targetPortal`, textAt(source, "targetPortal")),
    ...checkPortalLength(initiator, textAt(source, "targetPortal"), field, where),
    ...checkRequired(`${field}.iqn`, textAt(source, "iqn"), (name) => initiatorError(name, where)),
    ...checkLun(lun, field),
    ...(usesChap && !getOwn(source, "secretRef") ? [fieldError.required(`${field}.secretRef`)] : []),
    ...(where.persistentVolume === undefined ? [] : checkSecretRef(source, field, ["name"])),
    ...(typeof initiator === "string"
      ? check(`${field}.initiatorname`, initiator, initiatorError(initiator, where))
      : []),
  ];
}

function checkLun(lun: Json, field: string): FieldErrors {
  const isInRange = typeof lun === "number" && lun >= 0 && lun <= 255;
  return isInRange ? [] : [fieldError.invalid(`${field}.lun`, lun, "must be between 0 and 255, inclusive")];
}

function checkEndpointsNamespace(source: JsonObject, field: string): FieldErrors {
  const namespace = getOwn(source, "endpointsNamespace");
  if (typeof namespace !== "string") return [];
  const detail = "if the endpointnamespace is set, it must be a valid namespace name";
  const reason = namespace === "" ? detail : dnsLabelError(namespace);
  return check(`${field}.endpointsNamespace`, namespace, reason);
}

/** Secrets of persistent volumes are in a namespace. */
function checkSecretName(source: JsonObject, field: string, { persistentVolume }: Where): FieldErrors {
  return checkSecretRef(source, field, persistentVolume === undefined ? ["name"] : ["name", "namespace"]);
}

function checkSecretRef(source: JsonObject, field: string, members: readonly string[]): FieldErrors {
  const secret = getOwn(source, "secretRef");
  if (!isJsonObject(secret)) return [];
  return members.flatMap((member) => checkRequired(`${field}.secretRef.${member}`, textAt(secret, member)));
}

function checkSecretNamespace(source: JsonObject, field: string): FieldErrors {
  return getOwn(source, "secretNamespace") === "" ? [fieldError.required(`${field}.secretNamespace`)] : [];
}

function checkFlocker(source: JsonObject, field: string): FieldErrors {
  const [name, uuid] = [textAt(source, "datasetName"), textAt(source, "datasetUUID")];
  const errors: FieldError[] = [];
  if (!name && !uuid) errors.push(fieldError.required(field, "one of datasetName and datasetUUID is required"));
  if (name && uuid) {
    const detail = "datasetName and datasetUUID can not be specified simultaneously";
    errors.push(fieldError.invalid(field, "resource", detail));
  }
  if (name.includes("/")) errors.push(fieldError.invalid(`${field}.datasetName`, name, "must not contain '/'"));
  return errors;
}

function checkFibreChannel(source: JsonObject, field: string): FieldErrors {
  const names = getOwn(source, "targetWWNs");
  const ids = getOwn(source, "wwids");
  const hasNames = Array.isArray(names) && names.length > 0;
  const hasIds = Array.isArray(ids) && ids.length > 0;
  const at = `${field}.targetWWNs`;
  const errors: FieldError[] = [];
  if (!hasNames && !hasIds)
    errors.push(fieldError.required(at, "must specify either targetWWNs or wwids, but not both"));
  if (hasNames && hasIds)
    errors.push(fieldError.invalid(at, names, "targetWWNs and wwids can not be specified simultaneously"));
  if (!hasNames) return errors;
  const lun = getOwn(source, "lun");
  return lun === undefined
    ? [...errors, fieldError.required(`${field}.lun`, "lun is required if targetWWNs is specified")]
    : [...errors, ...checkLun(lun, field)];
}

function checkFlexOptions(source: JsonObject, field: string): FieldErrors {
  const options = getOwn(source, "options");
  return Object.keys(isJsonObject(options) ? options : {}).flatMap((key) => {
    const namespace = `.${(key.split("/", 1)[0] ?? key).toLowerCase()}`;
    const isReserved = namespace.endsWith(".kubernetes.io") || namespace.endsWith(".k8s.io");
    const detail = "kubernetes.io and k8s.io namespaces are reserved";
    return isReserved ? [fieldError.invalid(`${field}.options[${key}]`, key, detail)] : [];
  });
}

function checkAzureDisk(source: JsonObject, field: string): FieldErrors {
  const uri = textAt(source, "diskURI");
  const [caching, kind] = ["cachingMode", "kind"].map((member) =>
    getOwn(source, member) === undefined ? undefined : textAt(source, member),
  );
  const errors: FieldError[] = [
    ...checkOneOf(`${field}.cachingMode`, caching, ["None", "ReadOnly", "ReadWrite"]),
    ...checkOneOf(`${field}.kind`, kind, ["Dedicated", "Managed", "Shared"]),
  ];
  if (kind === "Managed" && !uri.startsWith("/subscriptions/")) {
    const supported = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
    errors.push(fieldError.notSupported(`${field}.diskURI`, uri, [supported]));
  }
  if (kind !== undefined && kind !== "Managed" && !uri.startsWith("https://")) {
    const supported = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    errors.push(fieldError.notSupported(`${field}.diskURI`, uri, [supported]));
  }
  return errors;
}

function checkQuobyte(source: JsonObject, field: string): FieldErrors {
  const registry = textAt(source, "registry");
  const detail = "must be a host:port pair or multiple pairs separated by commas";
  const errors: FieldError[] = [];
  if (!registry) errors.push(fieldError.required(`${field}.registry`, detail));
  else if (textAt(source, "tenant").length >= 65) {
    const tooLong = "must be a UUID and may not exceed a length of 64 characters";
    errors.push(fieldError.required(`${field}.tenant`, tooLong));
  } else if (!registry.split(",").every((pair) => /^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(pair)))
    errors.push(fieldError.invalid(`${field}.registry`, registry, detail));
  return [...errors, ...checkRequired(`${field}.volume`, textAt(source, "volume"))];
}

function checkStorageOs(source: JsonObject, field: string, where: Where): FieldErrors {
  return [
    ...checkRequired(`${field}.volumeName`, textAt(source, "volumeName"), dnsLabelError),
    ...optional(source, field, "volumeNamespace", dnsLabelError),
    ...checkSecretName(source, field, where),
  ];
}
