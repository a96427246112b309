import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkSelectors, type DeviceSelector } from "./device_requests.ts";

/** A sort of devices, for claims to ask for. @see https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/ */
export interface DeviceClass extends KubeObject {
  readonly spec?: {
    readonly selectors?: readonly DeviceSelector[];
    readonly config?: readonly object[];
    readonly extendedResourceName?: string;
  };
}

/** The kind DeviceClass. */
export const deviceClass: Kind<DeviceClass> = defineKind<DeviceClass>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "DeviceClass",
  plural: "deviceclasses",
  namespaced: false,
  schema: "io.k8s.api.resource.v1.DeviceClass",
  strategy: { validate: ({ spec }) => checkSelectors(spec?.selectors ?? [], "spec.selectors") },
  columns: [nameColumn, ageColumn],
});
