import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn, orNone } from "./cells.ts";
import { validateEndpoints } from "./endpoints_validation.ts";

/** Points at an object, or at a part of one. */
export interface ObjectReference {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly fieldPath?: string;
}

/** One address that traffic may go to. */
export interface EndpointAddress {
  readonly ip: string;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly targetRef?: ObjectReference;
}

/** A port that every address of a subset has. */
export interface EndpointPort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: "TCP" | "UDP" | "SCTP";
  readonly appProtocol?: string;
}

/** Addresses that have the same ports. */
export interface EndpointSubset {
  readonly addresses?: readonly EndpointAddress[];
  readonly notReadyAddresses?: readonly EndpointAddress[];
  readonly ports?: readonly EndpointPort[];
}

/** Where a service's traffic goes, in the older form. */
export interface Endpoints extends KubeObject {
  readonly subsets?: readonly EndpointSubset[];
}

/** The kind Endpoints. */
export const endpoints: Kind<Endpoints> = defineKind<Endpoints>({
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  namespaced: true,
  shortNames: ["ep"],
  schema: "io.k8s.api.core.v1.Endpoints",
  createOnUpdate: true,
  deprecated: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  strategy: {
    applyDefaults: (object) =>
      object.subsets
        ? {
            ...object,
            subsets: object.subsets.map((subset) =>
              subset.ports
                ? { ...subset, ports: subset.ports.map((port) => ({ ...port, protocol: port.protocol || "TCP" })) }
                : subset,
            ),
          }
        : object,
    validate: validateEndpoints,
  },
  columns: [
    nameColumn,
    { name: "Endpoints", type: "string", description: "Addresses that traffic goes to.", cell: endpointsText },
    ageColumn,
  ],
});

/** Most addresses that a cell shows. */
const shown = 3;

/** What the ENDPOINTS column shows. @see k8s.io/kubernetes/pkg/printers/internalversion, formatEndpoints */
function endpointsText({ subsets = [] }: Endpoints): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  );
  const text = orNone(all.slice(0, shown).join(","));
  return all.length > shown ? `${text} + ${all.length - shown} more...` : text;
}
