import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { validateAnnotations, validateLabels } from "../api/label_validation.ts";
import type { JsonObject } from "../api/meta.ts";
import { parseQuantity, quantityError } from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkFieldRef, checkResourceFieldRef } from "./field_ref_validation.ts";
import { checkClaimSpec } from "./persistent_volume_claim_validation.ts";
import type { ConfigMapProjection, DownwardApiFile, KeyToPath, Volume, VolumeProjection } from "./pod.ts";
import {
  checkAll,
  checkOneOf,
  checkOptional,
  checkRequired,
  type FieldErrors,
  projectedPathErrors,
} from "./validators.ts";
import { checkDriverName, checkVolumeSource, longPortal } from "./volume_source_validation.ts";

/** Fields that downward API files may show. */
const volumeFieldPaths = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

/** What is wrong with a pod's volumes, and those, by name, with which nothing is: containers can use no others. */
export function checkVolumes(
  volumes: readonly Volume[],
  field: string,
  podName: string | undefined,
): { readonly errors: FieldErrors; readonly usable: ReadonlyMap<string, Volume> } {
  const usable = new Map<string, Volume>();
  const made = new Set(volumes.filter(({ ephemeral }) => ephemeral).map(({ name }) => `${podName}-${name}`));
  const errors = volumes.flatMap((volume, index) => {
    const found = [...checkVolume(volume, `${field}[${index}]`, podName)];
    if (volume.name && usable.has(volume.name))
      found.push(fieldError.duplicate(`${field}[${index}].name`, volume.name));
    if (found.length === 0) usable.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (podName && claim && made.has(claim)) {
      const detail = "must not reference a PVC that gets created for an ephemeral volume";
      found.push(fieldError.invalid(`${field}[${index}].persistentVolumeClaim.claimName`, claim, detail));
    }
    return found;
  });
  return { errors, usable };
}

/** Sources in the order in which Kubernetes looks for them: the first one counts. */
const sources = [
  "emptyDir",
  "hostPath",
  "gitRepo",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "secret",
  "nfs",
  "iscsi",
  "glusterfs",
  "flocker",
  "persistentVolumeClaim",
  "rbd",
  "cinder",
  "cephfs",
  "quobyte",
  "downwardAPI",
  "fc",
  "flexVolume",
  "configMap",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "storageos",
  "projected",
  "scaleIO",
  "csi",
  "ephemeral",
  "image",
] as const satisfies readonly (keyof Volume)[];

/** Where Kubernetes names a source otherwise than its field. */
const oddNames: Readonly<Record<string, string>> = { cephfs: "cephFS", downwardAPI: "downwarAPI" };

function checkVolume(volume: Volume, field: string, podName: string | undefined): FieldErrors {
  const [first, ...others] = sources.filter((type) => volume[type] !== undefined);
  return [
    ...(first === undefined
      ? [fieldError.required(field, "must specify a volume type")]
      : [
          ...checkSource(volume, first, `${field}.${first === "gcePersistentDisk" ? "persistentDisk" : first}`),
          ...others.map((other) =>
            fieldError.forbidden(`${field}.${oddNames[other] ?? other}`, "may not specify more than 1 volume type"),
          ),
        ]),
    ...(first === "iscsi" ? checkPortalLength(volume, field) : []),
    ...(first === "ephemeral" && podName && volume.name ? checkClaimName(volume.name, podName, field) : []),
    ...checkRequired(`${field}.name`, volume.name, dnsLabelError),
  ];
}

function checkPortalLength({ name, iscsi }: Volume, field: string): FieldErrors {
  const { initiatorName, targetPortal = "" } = iscsi as { initiatorName?: string; targetPortal?: string };
  if (initiatorName === undefined || `${name}:${targetPortal}`.length <= 64) return [];
  return [fieldError.invalid(`${field}.name`, name, longPortal)];
}

/** The claim that is made of the template is named after the pod and the volume. */
function checkClaimName(name: string, podName: string, field: string): FieldErrors {
  const claim = `${podName}-${name}`;
  const reason = dnsSubdomainError(claim);
  return reason === undefined
    ? []
    : [fieldError.invalid(`${field}.name`, name, `PVC name ${JSON.stringify(claim)}: ${reason}`)];
}

function checkSource(volume: Volume, type: (typeof sources)[number], field: string): FieldErrors {
  const { configMap, secret, downwardAPI, projected, emptyDir, persistentVolumeClaim } = volume;
  if (type === "emptyDir" && emptyDir) return checkSizeLimit(emptyDir.sizeLimit, `${field}.sizeLimit`);
  if (type === "configMap" && configMap) {
    return [
      ...checkRequired(`${field}.name`, configMap.name),
      ...checkMode(`${field}.defaultMode`, configMap.defaultMode),
      ...checkItems(configMap.items, `${field}.items`),
    ];
  }
  if (type === "secret" && secret) {
    return [
      ...checkRequired(`${field}.secretName`, secret.secretName),
      ...checkMode(`${field}.defaultMode`, secret.defaultMode),
      ...checkItems(secret.items, `${field}.items`),
    ];
  }
  if (type === "downwardAPI" && downwardAPI) {
    return [
      ...checkMode(`${field}.defaultMode`, downwardAPI.defaultMode),
      ...(downwardAPI.items ?? []).flatMap((file) => checkFile(file, field)),
    ];
  }
  if (type === "projected" && projected) {
    return [
      ...checkMode(`${field}.defaultMode`, projected.defaultMode),
      ...checkProjections(projected.sources ?? [], field),
    ];
  }
  if (type === "persistentVolumeClaim") return checkRequired(`${field}.claimName`, persistentVolumeClaim?.claimName);
  return [
    ...checkVolumeSource(type, volume[type] as JsonObject, field),
    ...(type === "csi" ? checkCsi(volume, field) : []),
    ...(type === "ephemeral" ? checkEphemeral(volume, field) : []),
    ...(type === "image" ? checkImage(volume, field) : []),
  ];
}

function checkSizeLimit(limit: string | number | undefined, field: string): FieldErrors {
  if (limit === undefined) return [];
  const reason = quantityError(limit);
  if (reason !== undefined) return [fieldError.invalid(field, limit, reason)];
  return parseQuantity(limit).nano < 0n
    ? [fieldError.forbidden(field, "SizeLimit field must be a valid resource quantity")]
    : [];
}

function checkCsi({ csi }: Volume, field: string): FieldErrors {
  const secret = csi?.nodePublishSecretRef;
  return [
    ...checkDriverName(`${field}.driver`, csi?.driver ?? ""),
    ...(secret && !secret.name ? [fieldError.required(`${field}.nodePublishSecretRef.name`)] : []),
    ...checkOptional(`${field}.name`, secret?.name, dnsSubdomainError),
  ];
}

function checkEphemeral({ ephemeral }: Volume, field: string): FieldErrors {
  const at = `${field}.volumeClaimTemplate`;
  const template = ephemeral?.volumeClaimTemplate;
  if (!template) return [fieldError.required(at)];
  const { labels, annotations, ...others } = template.metadata ?? {};
  return [
    ...validateAnnotations(annotations, `${at}.metadata.annotations`),
    ...validateLabels(labels, `${at}.metadata.labels`),
    ...Object.entries(others)
      .filter(([, value]) => value)
      .map(([name]) => fieldError.forbidden(`${at}.metadata.${name === "uid" ? "uID" : name}`, "cannot be set")),
    ...checkClaimSpec(template.spec, `${at}.spec`),
  ];
}

function checkImage({ image }: Volume, field: string): FieldErrors {
  const { reference = "", pullPolicy } = image ?? {};
  const errors: FieldError[] =
    reference === reference.trim()
      ? []
      : [fieldError.invalid(`${field}.reference`, reference, "must not have leading or trailing whitespace")];
  return [...errors, ...checkOneOf(`${field}.pullPolicy`, pullPolicy, ["Always", "IfNotPresent", "Never"])];
}

/** What is wrong with the files of a projected volume; two of them may not have the same path. */
function checkProjections(sources: readonly VolumeProjection[], field: string): FieldErrors {
  const paths = new Set<string>();
  const checkPath = (path: string | undefined, value: string | undefined): FieldErrors => {
    const isTaken = path !== undefined && paths.has(path);
    if (path) paths.add(path);
    return isTaken ? [fieldError.invalid(field, value, "conflicting duplicate paths")] : [];
  };
  return sources.flatMap((source, index) => {
    const at = `${field}.sources[${index}]`;
    const { secret, configMap, downwardAPI, serviceAccountToken } = source;
    return [
      ...(secret ? checkNamedProjection(secret, `${at}.secret`, checkPath) : []),
      ...(configMap ? checkNamedProjection(configMap, `${at}.configMap`, checkPath) : []),
      ...(downwardAPI?.items ?? []).flatMap((file) => [
        ...checkFile(file, `${at}.downwardAPI`),
        ...checkPath(file.path, file.path),
      ]),
      ...(serviceAccountToken
        ? checkToken(serviceAccountToken, { volume: field, at: `${at}.serviceAccountToken` })
        : []),
      ...(Object.keys(source).length > 1
        ? [fieldError.forbidden(at, "may not specify more than 1 volume type per source")]
        : []),
    ];
  });
}

function checkNamedProjection(
  { name, items = [] }: ConfigMapProjection,
  field: string,
  checkPath: (path: string | undefined, value: string | undefined) => FieldErrors,
): FieldErrors {
  return [
    ...checkRequired(`${field}.name`, name),
    ...items.flatMap((item, index) => [...checkItem(item, `${field}.items[${index}]`), ...checkPath(item.path, name)]),
  ];
}

/** Kubernetes names the path of a token as if it were the volume's. */
function checkToken(
  { expirationSeconds: seconds = 3600, path }: NonNullable<VolumeProjection["serviceAccountToken"]>,
  { volume, at }: { readonly volume: string; readonly at: string },
): FieldErrors {
  const errors: FieldError[] = [];
  if (seconds < 600) {
    const detail = "may not specify a duration less than 10 minutes";
    errors.push(fieldError.invalid(`${at}.expirationSeconds`, seconds, detail));
  }
  if (seconds > 2 ** 32) {
    const detail = "may not specify a duration larger than 2^32 seconds";
    errors.push(fieldError.invalid(`${at}.expirationSeconds`, seconds, detail));
  }
  return [...errors, ...checkFilePath(`${volume}.path`, path)];
}

function checkFilePath(field: string, path: string | undefined): FieldErrors {
  return path ? checkAll(field, path, projectedPathErrors(path)) : [fieldError.required(field)];
}

function checkItems(items: readonly KeyToPath[] | undefined, field: string): FieldErrors {
  return (items ?? []).flatMap((item, index) => checkItem(item, `${field}[${index}]`));
}

function checkItem({ key, path, mode }: KeyToPath, field: string): FieldErrors {
  return [
    ...checkRequired(`${field}.key`, key),
    ...checkFilePath(`${field}.path`, path),
    ...checkMode(`${field}.mode`, mode),
  ];
}

function checkFile(file: DownwardApiFile, field: string): FieldErrors {
  const errors: FieldError[] = [...checkFilePath(`${field}.path`, file.path)];
  if (file.fieldRef) {
    errors.push(...checkFieldRef(file.fieldRef, `${field}.fieldRef`, volumeFieldPaths));
    if (file.resourceFieldRef) {
      errors.push(
        fieldError.invalid(field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"),
      );
    }
  } else if (file.resourceFieldRef) {
    errors.push(...checkResourceFieldRef(file.resourceFieldRef, `${field}.resourceFieldRef`, { ofVolume: true }));
  } else {
    errors.push(fieldError.required(field, "one of fieldRef and resourceFieldRef is required"));
  }
  return [...errors, ...checkMode(`${field}.mode`, file.mode)];
}

function checkMode(field: string, mode: number | undefined): FieldErrors {
  return mode !== undefined && (mode < 0 || mode > 0o777)
    ? [fieldError.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")]
    : [];
}
