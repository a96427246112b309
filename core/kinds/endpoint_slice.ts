import { defineKind, type Kind } from "../api/kind.ts";
import { type KubeObject, keyText } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { validateEndpointSlice } from "./endpoint_slice_validation.ts";
import type { ObjectReference } from "./endpoints.ts";
import { checkImmutable } from "./validators.ts";

/** One place that traffic may go to. */
export interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef?: ObjectReference;
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[];
    readonly forNodes?: readonly { readonly name: string }[];
  };
}

/** A port that every endpoint of a slice has. */
export interface SlicePort {
  readonly name?: string;
  readonly port?: number;
  readonly protocol?: "TCP" | "UDP" | "SCTP";
  readonly appProtocol?: string;
}

/** A part of where a service's traffic goes. @see https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/ */
export interface EndpointSlice extends KubeObject {
  readonly addressType: "IPv4" | "IPv6" | "FQDN";
  readonly endpoints: readonly Endpoint[];
  readonly ports?: readonly SlicePort[];
}

/** The label by which a slice names its service. */
export const serviceNameLabel = "kubernetes.io/service-name";

/** The key of the service that a slice belongs to, if any: for indexes. */
export function serviceKeysOf({ metadata }: EndpointSlice): readonly string[] {
  const name = metadata.labels?.[serviceNameLabel];
  return name ? [keyText({ namespace: metadata.namespace, name })] : [];
}

/** The kind EndpointSlice. */
export const endpointSlice: Kind<EndpointSlice> = defineKind<EndpointSlice>({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  namespaced: true,
  schema: "io.k8s.api.discovery.v1.EndpointSlice",
  generation: "counted",
  strategy: {
    applyDefaults: (object) => ({
      ...object,
      endpoints: object.endpoints ?? [],
      ...(object.ports
        ? { ports: object.ports.map((port) => ({ ...port, name: port.name ?? "", protocol: port.protocol ?? "TCP" })) }
        : {}),
    }),
    validate: validateEndpointSlice,
    warnings: ({ addressType }) => (addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : []),
    validateUpdate: (next, previous) => checkImmutable("addressType", next.addressType, previous.addressType),
  },
  columns: [
    nameColumn,
    {
      name: "AddressType",
      type: "string",
      description: "What sort of addresses the slice holds.",
      cell: ({ addressType }) => addressType,
    },
    {
      name: "Ports",
      type: "string",
      description: "Ports of every endpoint.",
      cell: ({ ports = [] }) =>
        someOf(ports.map(({ port, name }) => (port === undefined ? name || "*" : String(port)))),
    },
    {
      name: "Endpoints",
      type: "string",
      description: "Addresses of the endpoints.",
      cell: ({ endpoints = [] }) => someOf(endpoints.flatMap((endpoint) => endpoint.addresses)),
    },
    ageColumn,
  ],
});

/** Most items that a cell shows. */
const shown = 3;

function someOf(items: readonly string[]): string {
  if (items.length === 0) return "<unset>";
  const text = items.slice(0, shown).join(",");
  return items.length > shown ? `${text} + ${items.length - shown} more...` : text;
}
