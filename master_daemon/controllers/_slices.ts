import { keyText, type ObjectKey } from "../../core/api/meta.ts";
import { serviceNameLabel } from "../../core/kinds/endpoint_slice.ts";
import type { EndpointSlice, SlicePort } from "../../core/kinds/mod.ts";

/** Label of a slice with who writes it. */
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";

/** The index of the slices that `manager` writes, under `name`, by the service that they are of: `byIndex(name, keyText(key))`. */
export function slicesByService(
  name: string,
  manager: string,
): Readonly<Record<string, (slice: EndpointSlice) => readonly string[]>> {
  return { [name]: (slice) => servicesOfSlice(slice, manager).map(keyText) };
}

/** The service of a slice, where `manager` writes it. */
export function servicesOfSlice({ metadata }: EndpointSlice, manager: string): readonly ObjectKey[] {
  const name = metadata.labels?.[serviceNameLabel];
  return name && metadata.labels?.[managedByLabel] === manager ? [{ namespace: metadata.namespace, name }] : [];
}

/** A text that is the same for the same ports, in whatever order. */
export function portsKey(ports: readonly SlicePort[]): string {
  return JSON.stringify(
    ports.map(({ name = "", port, protocol = "TCP", appProtocol }) => [name, port, protocol, appProtocol]).sort(),
  );
}
