import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkImmutable, checkRequiredOneOf, type FieldErrors } from "./validators.ts";

/** How much pods of a class matter: who is scheduled first, and who gives way. */
export interface PriorityClass extends KubeObject {
  readonly value: number;
  /** Whether it is for pods that name no class. */
  readonly globalDefault?: boolean;
  readonly description?: string;
  readonly preemptionPolicy?: "PreemptLowerPriority" | "Never";
}

const systemPrefix = "system-";
const highestOfUsers = 1_000_000_000;

/** Kubernetes' own classes: name and value. */
export const systemPriorities: ReadonlyMap<string, number> = new Map([
  ["system-node-critical", 2_000_001_000],
  ["system-cluster-critical", 2_000_000_000],
]);

/** The kind PriorityClass. */
export const priorityClass: Kind<PriorityClass> = defineKind<PriorityClass>({
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  namespaced: false,
  shortNames: ["pc"],
  schema: "io.k8s.api.scheduling.v1.PriorityClass",
  generation: "kept",
  strategy: {
    // The value is on the wire even where it is 0.
    applyDefaults: (object) => ({
      ...object,
      value: object.value ?? 0,
      preemptionPolicy: object.preemptionPolicy ?? "PreemptLowerPriority",
    }),
    validate: checkClass,
    validateUpdate: (next, previous) => [
      ...(next.value === previous.value ? [] : [fieldError.forbidden("value", "may not be changed in an update.")]),
      ...checkImmutable("preemptionPolicy", next.preemptionPolicy, previous.preemptionPolicy),
    ],
  },
  columns: [
    nameColumn,
    { name: "Value", type: "integer", description: "The priority of its pods.", cell: ({ value }) => value },
    {
      name: "Global-Default",
      type: "boolean",
      description: "Whether it is for pods that name no class.",
      cell: ({ globalDefault }) => globalDefault ?? false,
    },
    ageColumn,
    {
      name: "PreemptionPolicy",
      type: "string",
      description: "Whether its pods displace others.",
      cell: ({ preemptionPolicy }) => preemptionPolicy ?? "",
    },
  ],
});

function checkClass({ metadata, value, globalDefault = false, preemptionPolicy }: PriorityClass): FieldErrors {
  const { name = "" } = metadata;
  const errors: FieldError[] = [];
  if (name.startsWith(systemPrefix)) {
    const reason = systemClassError(name, value, globalDefault);
    if (reason !== undefined) {
      const detail = `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${reason}`;
      errors.push(fieldError.forbidden("metadata.name", detail));
    }
  } else if (value > highestOfUsers) {
    const detail = `maximum allowed value of a user defined priority is ${highestOfUsers}`;
    errors.push(fieldError.forbidden("value", detail));
  }
  return [...errors, ...checkRequiredOneOf("preemptionPolicy", preemptionPolicy, ["PreemptLowerPriority", "Never"])];
}

function systemClassError(name: string, value: number, globalDefault: boolean): string | undefined {
  const wanted = systemPriorities.get(name);
  if (wanted === undefined) return `${name} is not a known system priority class`;
  if (value !== wanted) return `value of ${name} PriorityClass must be ${wanted}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
