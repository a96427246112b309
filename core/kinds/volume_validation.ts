import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { validateAnnotations, validateLabels } from "../api/label_validation.ts";
import type { JsonObject } from "../api/meta.ts";
import { parseQuantity, quantityError } from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkFieldRef, checkResourceFieldRef } from "./field_ref_validation.ts";
import { checkClaimSpec } from "./persistent_volume_claim_validation.ts";
import type { ConfigMapProjection, DownwardApiFile, KeyToPath, Volume, VolumeProjection } from "./pod.ts";
import { checkOneOf, checkRequired, checkUnique, type FieldErrors, projectedPathError } from "./validators.ts";
import { checkDriverName, checkVolumeSource } from "./volume_source_validation.ts";

/** Fields that downward API files may show. */
const volumeFieldPaths = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

/** What is wrong with a pod's volumes. */
export function checkVolumes(volumes: readonly Volume[], field: string): FieldErrors {
  return [
    ...volumes.flatMap((volume, index) => checkVolume(volume, `${field}[${index}]`)),
    ...checkUnique(
      volumes.map((volume) => volume.name),
      (index) => `${field}[${index}].name`,
    ),
  ];
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

function checkVolume(volume: Volume, field: string): FieldErrors {
  const errors: FieldError[] = [...checkRequired(`${field}.name`, volume.name, dnsLabelError)];
  const [first, ...others] = sources.filter((type) => volume[type] !== undefined);
  if (first === undefined) return [...errors, fieldError.required(field, "must specify a volume type")];
  return [
    ...errors,
    ...checkSource(volume, first, `${field}.${first}`),
    ...others.map((other) => fieldError.forbidden(`${field}.${other}`, "may not specify more than 1 volume type")),
  ];
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
      ...(projected.sources ?? []).flatMap((source, index) => checkProjection(source, `${field}.sources[${index}]`)),
      ...checkConflicts(projected.sources ?? [], field),
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
    ...(secret ? checkRequired(`${field}.nodePublishSecretRef.name`, secret.name, dnsSubdomainError) : []),
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
    ...Object.keys(others).map((name) =>
      fieldError.forbidden(`${at}.metadata.${name}`, "cannot be set for an ephemeral volume"),
    ),
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

function checkProjection(source: VolumeProjection, field: string): FieldErrors {
  const kinds = Object.keys(source);
  const errors: FieldError[] = kinds
    .slice(1)
    .map((kind) => fieldError.forbidden(`${field}.${kind}`, "may not specify more than 1 volume type"));
  if (kinds.length === 0) errors.push(fieldError.required(field, "must specify a volume type"));
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  return [
    ...errors,
    ...(configMap ? checkNamedProjection(configMap, `${field}.configMap`) : []),
    ...(secret ? checkNamedProjection(secret, `${field}.secret`) : []),
    ...(downwardAPI?.items ?? []).flatMap((file) => checkFile(file, `${field}.downwardAPI`)),
    ...(serviceAccountToken ? checkToken(serviceAccountToken, `${field}.serviceAccountToken`) : []),
  ];
}

function checkNamedProjection(projection: ConfigMapProjection, field: string): FieldErrors {
  return [...checkRequired(`${field}.name`, projection.name), ...checkItems(projection.items, `${field}.items`)];
}

function checkToken(token: NonNullable<VolumeProjection["serviceAccountToken"]>, field: string): FieldErrors {
  const seconds = token.expirationSeconds ?? 3600;
  const errors = [...checkRequired(`${field}.path`, token.path, projectedPathError)];
  if (seconds < 600) {
    errors.push(
      fieldError.invalid(`${field}.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes"),
    );
  } else if (seconds > 2 ** 32) {
    errors.push(
      fieldError.invalid(`${field}.expirationSeconds`, seconds, "may not specify a duration larger than 2^32 seconds"),
    );
  }
  return errors;
}

/** Two files of one volume may not have the same path. */
function checkConflicts(sources: readonly VolumeProjection[], field: string): FieldErrors {
  const paths = sources.flatMap((source) => [
    ...[...(source.configMap?.items ?? []), ...(source.secret?.items ?? []), ...(source.downwardAPI?.items ?? [])].map(
      (item) => item.path,
    ),
    ...(source.serviceAccountToken ? [source.serviceAccountToken.path] : []),
  ]);
  const seen = new Set<string>();
  return paths.flatMap((path) => {
    if (!seen.has(path)) {
      seen.add(path);
      return [];
    }
    return [fieldError.invalid(field, path, "conflicting duplicate paths")];
  });
}

function checkItems(items: readonly KeyToPath[] | undefined, field: string): FieldErrors {
  return (items ?? []).flatMap((item, index) => [
    ...checkRequired(`${field}[${index}].key`, item.key),
    ...checkRequired(`${field}[${index}].path`, item.path, projectedPathError),
    ...checkMode(`${field}[${index}].mode`, item.mode),
  ]);
}

function checkFile(file: DownwardApiFile, field: string): FieldErrors {
  const errors: FieldError[] = [...checkRequired(`${field}.path`, file.path, projectedPathError)];
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
