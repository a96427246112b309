import { dnsLabelError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkFieldRef, checkResourceFieldRef } from "./field_ref_validation.ts";
import type { ConfigMapProjection, DownwardApiFile, KeyToPath, Volume, VolumeMount, VolumeProjection } from "./pod.ts";
import {
  backstepError,
  check,
  checkOneOf,
  checkRequired,
  checkUnique,
  descendingPathError,
  type FieldErrors,
  projectedPathError,
} from "./validators.ts";

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

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

function checkVolume(volume: Volume, field: string): FieldErrors {
  const errors: FieldError[] = [...checkRequired(`${field}.name`, volume.name, dnsLabelError)];
  const [source, ...others] = Object.keys(volume).filter((key) => key !== "name");
  if (source === undefined) errors.push(fieldError.required(field, "must specify a volume type"));
  for (const other of others) {
    errors.push(fieldError.forbidden(`${field}.${other}`, "may not specify more than 1 volume type"));
  }
  return [...errors, ...checkSource(volume, field)];
}

function checkSource(volume: Volume, field: string): FieldErrors {
  const { hostPath, configMap, secret, downwardAPI, projected, persistentVolumeClaim } = volume;
  if (hostPath) {
    return [
      ...checkRequired(`${field}.hostPath.path`, hostPath.path, backstepError),
      ...checkOneOf(`${field}.hostPath.type`, hostPath.type, hostPathTypes),
    ];
  }
  if (configMap) {
    return [
      ...checkRequired(`${field}.configMap.name`, configMap.name),
      ...checkMode(`${field}.configMap.defaultMode`, configMap.defaultMode),
      ...checkItems(configMap.items, `${field}.configMap.items`),
    ];
  }
  if (secret) {
    return [
      ...checkRequired(`${field}.secret.secretName`, secret.secretName),
      ...checkMode(`${field}.secret.defaultMode`, secret.defaultMode),
      ...checkItems(secret.items, `${field}.secret.items`),
    ];
  }
  if (downwardAPI) {
    return [
      ...checkMode(`${field}.downwardAPI.defaultMode`, downwardAPI.defaultMode),
      ...(downwardAPI.items ?? []).flatMap((file) => checkFile(file, `${field}.downwardAPI`)),
    ];
  }
  if (projected) {
    return [
      ...checkMode(`${field}.projected.defaultMode`, projected.defaultMode),
      ...(projected.sources ?? []).flatMap((source, index) =>
        checkProjection(source, `${field}.projected.sources[${index}]`),
      ),
      ...checkConflicts(projected.sources ?? [], `${field}.projected`),
    ];
  }
  return persistentVolumeClaim
    ? checkRequired(`${field}.persistentVolumeClaim.claimName`, persistentVolumeClaim.claimName)
    : [];
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

/** What is wrong with where a container mounts volumes. */
export function checkVolumeMounts(
  mounts: readonly VolumeMount[],
  volumes: ReadonlySet<string>,
  field: string,
): FieldErrors {
  const paths = new Set<string>();
  return mounts.flatMap((mount, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(fieldError.required(`${at}.name`));
    else if (!volumes.has(mount.name)) errors.push(fieldError.notFound(`${at}.name`, mount.name));
    if (!mount.mountPath) errors.push(fieldError.required(`${at}.mountPath`));
    else if (mount.mountPath.includes(":"))
      errors.push(fieldError.invalid(`${at}.mountPath`, mount.mountPath, "must not contain ':'"));
    else if (paths.has(mount.mountPath))
      errors.push(fieldError.invalid(`${at}.mountPath`, mount.mountPath, "must be unique"));
    paths.add(mount.mountPath);
    if (mount.subPath) errors.push(...check(`${at}.subPath`, mount.subPath, descendingPathError(mount.subPath)));
    if (mount.subPathExpr) {
      errors.push(
        ...(mount.subPath
          ? [
              fieldError.invalid(
                `${at}.subPathExpr`,
                mount.subPathExpr,
                "subPathExpr and subPath are mutually exclusive",
              ),
            ]
          : check(`${at}.subPathExpr`, mount.subPathExpr, descendingPathError(mount.subPathExpr))),
      );
    }
    return [
      ...errors,
      ...checkOneOf(`${at}.mountPropagation`, mount.mountPropagation, ["Bidirectional", "HostToContainer", "None"]),
    ];
  });
}
