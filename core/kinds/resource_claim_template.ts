import { defineKind, type Kind } from "../api/kind.ts";
import { validateAnnotations, validateLabels } from "../api/label_validation.ts";
import type { KubeObject, ObjectMeta } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkDeviceClaim, type DeviceClaim, withDeviceDefaults } from "./device_requests.ts";
import { checkImmutable } from "./validators.ts";

/** What the claims look like that are made for pods. */
export interface ResourceClaimTemplate extends KubeObject {
  readonly spec: { readonly metadata?: ObjectMeta; readonly spec?: { readonly devices?: DeviceClaim } };
}

/** The kind ResourceClaimTemplate. */
export const resourceClaimTemplate: Kind<ResourceClaimTemplate> = defineKind<ResourceClaimTemplate>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaimTemplate",
  plural: "resourceclaimtemplates",
  namespaced: true,
  schema: "io.k8s.api.resource.v1.ResourceClaimTemplate",
  generation: "none",
  strategy: {
    applyDefaults: (object) => {
      const inner = object.spec?.spec;
      if (!inner?.devices) return object;
      return {
        ...object,
        spec: { ...object.spec, spec: { ...inner, devices: withDeviceDefaults(inner.devices) } },
      };
    },
    // What is there already may not change: it is not looked at again.
    validate: ({ spec }, _context, previous) =>
      previous
        ? []
        : [
            ...validateLabels(spec?.metadata?.labels, "spec.metadata.labels"),
            ...validateAnnotations(spec?.metadata?.annotations, "spec.metadata.annotations"),
            ...checkDeviceClaim(spec?.spec?.devices ?? {}, "spec.spec.devices"),
          ],
    validateUpdate: (next, previous) => checkImmutable("spec", next.spec, previous.spec),
  },
  columns: [nameColumn, ageColumn],
});
