import { defineKind, dnsLabelError, type Kind } from "../api/kind.ts";
import { validateLabels } from "../api/label_validation.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import type { ResourceList, Toleration } from "./pod.ts";
import { canonicalResources } from "./pod_resources.ts";
import { checkResources } from "./resource_validation.ts";
import { checkTolerations } from "./toleration_validation.ts";
import { check, checkImmutable, type FieldErrors } from "./validators.ts";
import { withMembers } from "./with_members.ts";

/** A way to run containers. @see https://kubernetes.io/docs/concepts/containers/runtime-class/ */
export interface RuntimeClass extends KubeObject {
  readonly handler: string;
  /** What its pods take besides their containers. */
  readonly overhead?: { readonly podFixed?: ResourceList };
  /** Where its pods can run. */
  readonly scheduling?: { readonly nodeSelector?: StringMap; readonly tolerations?: readonly Toleration[] };
}

/** The kind RuntimeClass. */
export const runtimeClass: Kind<RuntimeClass> = defineKind<RuntimeClass>({
  group: "node.k8s.io",
  version: "v1",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  namespaced: false,
  schema: "io.k8s.api.node.v1.RuntimeClass",
  createOnUpdate: true,
  conditionalUpdate: true,
  strategy: {
    applyDefaults: (object) =>
      withMembers(object, {
        overhead:
          object.overhead &&
          withMembers(object.overhead, {
            podFixed: object.overhead.podFixed && canonicalResources(object.overhead.podFixed),
          }),
      }),
    validate: ({ handler = "", overhead, scheduling }) => [
      ...check("handler", handler, dnsLabelError(handler)),
      ...(overhead?.podFixed ? checkResources({ limits: overhead.podFixed }, "overhead") : []),
      ...validateLabels(scheduling?.nodeSelector, "scheduling.nodeSelector"),
      // Kubernetes names the list twice.
      ...checkTolerations(scheduling?.tolerations ?? [], "scheduling.tolerations.tolerations"),
      ...checkRepeated(scheduling?.tolerations ?? [], "scheduling.tolerations"),
    ],
    validateUpdate: (next, previous) => checkImmutable("handler", next.handler, previous.handler),
  },
  columns: [
    nameColumn,
    {
      name: "Handler",
      type: "string",
      description: "What the container runtime calls it.",
      cell: ({ handler }) => handler ?? "",
    },
    ageColumn,
  ],
});

/** How long something is tolerated makes no other toleration of it. */
function checkRepeated(tolerations: readonly Toleration[], field: string): FieldErrors {
  const seen = new Set<string>();
  return tolerations.flatMap((toleration, index) => {
    const { key = "", operator = "", value = "", effect = "" } = toleration;
    const id = JSON.stringify([key, operator, value, effect]);
    if (seen.has(id)) return [fieldError.duplicate(`${field}[${index}]`, toleration)];
    seen.add(id);
    return [];
  });
}
