import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn, orNone } from "./cells.ts";
import { checkIngressStatus, validateIngress } from "./ingress_validation.ts";
import { withoutStatus, withStatusOf } from "./with_status.ts";

/** Where traffic goes: to a port of a service, or to something that the controller knows. */
export interface IngressBackend {
  readonly service?: { readonly name: string; readonly port?: { readonly name?: string; readonly number?: number } };
  readonly resource?: { readonly apiGroup?: string; readonly kind: string; readonly name: string };
}

/** What is done with the requests for a path. */
export interface IngressPath {
  readonly path?: string;
  readonly pathType?: "Exact" | "Prefix" | "ImplementationSpecific";
  readonly backend: IngressBackend;
}

/** What is done with the requests for a host. */
export interface IngressRule {
  readonly host?: string;
  readonly http?: { readonly paths?: readonly IngressPath[] };
}

/** How requests from outside reach services. @see https://kubernetes.io/docs/concepts/services-networking/ingress/ */
export interface Ingress extends KubeObject {
  readonly spec?: {
    readonly ingressClassName?: string;
    readonly defaultBackend?: IngressBackend;
    readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[];
    readonly rules?: readonly IngressRule[];
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly {
        readonly ip?: string;
        readonly hostname?: string;
        readonly ports?: readonly object[];
      }[];
    };
  };
}

/** Most hosts that a cell shows. */
const shownHosts = 3;

/** The kind Ingress. */
export const ingress: Kind<Ingress> = defineKind<Ingress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  namespaced: true,
  shortNames: ["ing"],
  schema: "io.k8s.api.networking.v1.Ingress",
  subresources: { status: true },
  strategy: {
    prepareForCreate: withoutStatus,
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    validate: validateIngress,
    validateStatusUpdate: checkIngressStatus,
  },
  columns: [
    nameColumn,
    {
      name: "Class",
      type: "string",
      description: "The class that says who serves it.",
      cell: ({ spec }) => orNone(spec?.ingressClassName),
    },
    {
      name: "Hosts",
      type: "string",
      description: "The hosts that it is for.",
      cell: ({ spec }) => hostsText(spec?.rules),
    },
    {
      name: "Address",
      type: "string",
      description: "Where its load balancer is.",
      cell: ({ status }) =>
        [...new Set((status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || ""))]
          .filter((address) => address !== "")
          .sort()
          .join(","),
    },
    {
      name: "Ports",
      type: "string",
      description: "The ports that its load balancer listens on.",
      cell: ({ spec }) => ((spec?.tls?.length ?? 0) > 0 ? "80, 443" : "80"),
    },
    ageColumn,
  ],
});

function hostsText(rules: readonly IngressRule[] = []): string {
  const hosts = rules.flatMap(({ host }) => (host ? [host] : []));
  if (hosts.length === 0) return "*";
  const text = hosts.slice(0, shownHosts).join(",");
  return hosts.length > shownHosts ? `${text} + ${hosts.length - shownHosts} more...` : text;
}
