import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import {
  checkConfiguration,
  checkItems,
  checkSelectors,
  type DeviceConfiguration,
  type DeviceSelector,
  maxConfigs,
} from "./device_parts_validation.ts";
import { isExtended } from "./resource_names.ts";
import { semanticEqual } from "./semantic_equal.ts";

/** A sort of devices, for claims to ask for. @see https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/ */
export interface DeviceClass extends KubeObject {
  readonly spec?: {
    readonly selectors?: readonly DeviceSelector[];
    readonly config?: readonly DeviceConfiguration[];
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
  strategy: {
    validate: ({ spec: { selectors = [], config = [], extendedResourceName } = {} }, _context, previous) => {
      const stored = previous !== undefined && semanticEqual(config, previous.spec?.config);
      return [
        ...checkSelectors(selectors, "spec.selectors"),
        ...checkItems(config, maxConfigs, "spec.config", (one, at) => checkConfiguration(one, at, stored)),
        ...(extendedResourceName === undefined || isExtended(extendedResourceName)
          ? []
          : [
              fieldError.invalid(
                "spec.extendedResourceName",
                extendedResourceName,
                "must be a valid extended resource name",
              ),
            ]),
      ];
    },
  },
  columns: [nameColumn, ageColumn],
});
