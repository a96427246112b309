import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkImmutable, checkOneOf, type FieldErrors } from "./validators.ts";

/** A token that a driver wants for the pods whose volumes it mounts. */
export interface CSITokenRequest {
  readonly audience: string;
  readonly expirationSeconds?: number;
}

/** What a storage driver can do and wants. */
export interface CSIDriver extends KubeObject {
  readonly spec: {
    readonly attachRequired?: boolean;
    readonly podInfoOnMount?: boolean;
    readonly volumeLifecycleModes?: readonly string[];
    readonly storageCapacity?: boolean;
    readonly fsGroupPolicy?: string;
    readonly tokenRequests?: readonly CSITokenRequest[];
    readonly requiresRepublish?: boolean;
    readonly seLinuxMount?: boolean;
    readonly nodeAllocatableUpdatePeriodSeconds?: number;
  };
}

const groupPolicies = ["File", "None", "ReadWriteOnceWithFSType"];
const modes = ["Persistent", "Ephemeral"];

/** The kind CSIDriver. */
export const csiDriver: Kind<CSIDriver> = defineKind<CSIDriver>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIDriver",
  plural: "csidrivers",
  namespaced: false,
  schema: "io.k8s.api.storage.v1.CSIDriver",
  generation: "none",
  conditionalUpdate: true,
  strategy: {
    applyDefaults: (object) => {
      const { spec = {} } = object;
      const { volumeLifecycleModes = [] } = spec;
      return {
        ...object,
        spec: {
          ...spec,
          attachRequired: spec.attachRequired ?? true,
          podInfoOnMount: spec.podInfoOnMount ?? false,
          volumeLifecycleModes: volumeLifecycleModes.length > 0 ? volumeLifecycleModes : ["Persistent"],
          storageCapacity: spec.storageCapacity ?? false,
          fsGroupPolicy: spec.fsGroupPolicy ?? "ReadWriteOnceWithFSType",
          requiresRepublish: spec.requiresRepublish ?? false,
          seLinuxMount: spec.seLinuxMount ?? false,
        },
      };
    },
    validate: ({ spec }) => [
      ...checkOneOf("spec.fsGroupPolicy", spec.fsGroupPolicy, groupPolicies),
      ...checkTokens(spec.tokenRequests ?? [], "spec.tokenRequests"),
      ...(spec.volumeLifecycleModes ?? []).flatMap((mode) => checkOneOf("spec.volumeLifecycleModes", mode, modes)),
      ...checkPeriod(spec.nodeAllocatableUpdatePeriodSeconds, "spec.nodeAllocatableUpdatePeriodSeconds"),
    ],
    validateUpdate: (next, previous) => [
      // The name of the field is misspelt in Kubernetes.
      ...checkImmutable("spec.attachedRequired", next.spec.attachRequired, previous.spec.attachRequired),
      ...checkImmutable(
        "spec.volumeLifecycleModes",
        next.spec.volumeLifecycleModes,
        previous.spec.volumeLifecycleModes,
      ),
    ],
  },
  columns: [
    nameColumn,
    {
      name: "AttachRequired",
      type: "boolean",
      description: "Whether volumes are attached before they are mounted.",
      cell: ({ spec }) => spec.attachRequired ?? true,
    },
    {
      name: "PodInfoOnMount",
      type: "boolean",
      description: "Whether the driver is told about the pod.",
      cell: ({ spec }) => spec.podInfoOnMount ?? false,
    },
    {
      name: "StorageCapacity",
      type: "boolean",
      description: "Whether the scheduler minds how much storage is left.",
      cell: ({ spec }) => spec.storageCapacity ?? false,
    },
    {
      name: "TokenRequests",
      type: "string",
      description: "Audiences of the tokens that the driver wants.",
      cell: ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience).join(",") ?? "<unset>",
    },
    {
      name: "RequiresRepublish",
      type: "boolean",
      description: "Whether volumes are published again from time to time.",
      cell: ({ spec }) => spec.requiresRepublish ?? false,
    },
    {
      name: "Modes",
      type: "string",
      description: "Which sorts of volumes the driver has.",
      cell: ({ spec }) => spec.volumeLifecycleModes?.join(",") || "<none>",
    },
    ageColumn,
  ],
});

function checkTokens(requests: readonly CSITokenRequest[], field: string): FieldErrors {
  const audiences = new Set<string>();
  return requests.flatMap(({ audience = "", expirationSeconds }, index) => {
    const at = `${field}[${index}]`;
    if (audiences.has(audience)) return [fieldError.duplicate(`${at}.audience`, audience)];
    audiences.add(audience);
    const errors: FieldError[] = [];
    const refuse = (detail: string) =>
      errors.push(fieldError.invalid(`${at}.expirationSeconds`, expirationSeconds, detail));
    if (expirationSeconds !== undefined && expirationSeconds < 600)
      refuse("may not specify a duration less than 10 minutes");
    if (expirationSeconds !== undefined && expirationSeconds > 2 ** 32)
      refuse("may not specify a duration larger than 2^32 seconds");
    return errors;
  });
}

function checkPeriod(seconds: number | undefined, field: string): FieldErrors {
  return seconds !== undefined && seconds < 10
    ? [fieldError.invalid(field, seconds, "must be greater than or equal to 10 seconds")]
    : [];
}
