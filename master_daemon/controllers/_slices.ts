import type { SlicePort } from "../../core/kinds/mod.ts";

/** Label of a slice with who writes it. */
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";

/** A text that is the same for the same ports, in whatever order. */
export function portsKey(ports: readonly SlicePort[]): string {
  return JSON.stringify(
    ports.map(({ name = "", port, protocol = "TCP", appProtocol }) => [name, port, protocol, appProtocol]).sort(),
  );
}
