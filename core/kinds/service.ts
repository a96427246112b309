import { defineKind, type Kind } from "../api/kind.ts";
import type { Condition, KubeObject, StringMap } from "../api/meta.ts";
import { ageColumn, nameColumn, orNone, selectorText } from "./cells.ts";
import { defaultService } from "./service_defaults.ts";
import { withAllocations } from "./service_update.ts";
import { validateService, validateServiceStatus, validateServiceUpdate } from "./service_validation.ts";
import { dns1035LabelError } from "./validators.ts";
import { withStatusOf } from "./with_status.ts";

/** A port of a service and where it leads. */
export interface ServicePort {
  readonly name?: string;
  readonly protocol?: "TCP" | "UDP" | "SCTP";
  readonly appProtocol?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly nodePort?: number;
}

/** What a service is to be. */
export interface ServiceSpec {
  readonly ports?: readonly ServicePort[];
  readonly selector?: StringMap;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly type?: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  readonly externalIPs?: readonly string[];
  readonly sessionAffinity?: "None" | "ClientIP";
  readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
  readonly loadBalancerIP?: string;
  readonly loadBalancerSourceRanges?: readonly string[];
  readonly loadBalancerClass?: string;
  readonly externalName?: string;
  readonly externalTrafficPolicy?: "Cluster" | "Local";
  readonly internalTrafficPolicy?: "Cluster" | "Local";
  readonly healthCheckNodePort?: number;
  readonly publishNotReadyAddresses?: boolean;
  readonly ipFamilies?: readonly ("IPv4" | "IPv6")[];
  readonly ipFamilyPolicy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
  readonly allocateLoadBalancerNodePorts?: boolean;
  readonly trafficDistribution?: string;
}

/** Where what balances load takes traffic for a service. */
export interface LoadBalancerIngress {
  readonly ip?: string;
  readonly ipMode?: "Proxy" | "VIP";
  readonly hostname?: string;
  readonly ports?: readonly { readonly port: number; readonly protocol: string; readonly error?: string }[];
}

/** A stable address for a changing set of pods. @see https://kubernetes.io/docs/concepts/services-networking/service/ */
export interface Service extends KubeObject {
  readonly spec?: ServiceSpec;
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly LoadBalancerIngress[] };
    readonly conditions?: readonly Condition[];
  };
}

/** The kind Service. */
export const service: Kind<Service> = defineKind<Service>({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  namespaced: true,
  shortNames: ["svc"],
  categories: ["all"],
  schema: "io.k8s.api.core.v1.Service",
  generation: "none",
  createOnUpdate: true,
  subresources: { status: true },
  validateName: dns1035LabelError,
  strategy: {
    applyDefaults: defaultService,
    prepareForCreate: (object) => withAllocations({ ...object, status: { loadBalancer: {} } }),
    prepareForUpdate: (next, previous) => withAllocations(withStatusOf(previous, next), previous),
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    validateStatusUpdate: validateServiceStatus,
    fields: ({ spec }) => ({ "spec.clusterIP": spec?.clusterIP ?? "", "spec.type": spec?.type ?? "" }),
  },
  columns: [
    nameColumn,
    { name: "Type", type: "string", description: "How the service is reached.", cell: ({ spec }) => spec?.type ?? "" },
    {
      name: "Cluster-IP",
      type: "string",
      description: "Address inside the cluster.",
      cell: ({ spec }) => orNone(spec?.clusterIPs?.[0] ?? spec?.clusterIP),
    },
    { name: "External-IP", type: "string", description: "Address outside the cluster.", cell: externalAddresses },
    {
      name: "Port(s)",
      type: "string",
      description: "Ports of the service, with their node ports.",
      cell: ({ spec }) =>
        orNone(
          spec?.ports
            ?.map(({ port, nodePort, protocol }) =>
              nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
            )
            .join(","),
        ),
    },
    ageColumn,
    {
      name: "Selector",
      type: "string",
      priority: 1,
      description: "Labels of the pods that traffic goes to.",
      cell: ({ spec }) => selectorText(spec?.selector && { matchLabels: spec.selector }),
    },
  ],
});

/** What the EXTERNAL-IP column shows. @see k8s.io/kubernetes/pkg/printers/internalversion, getServiceExternalIP */
function externalAddresses({ spec = {}, status }: Service): string {
  if (spec.type === "ExternalName") return spec.externalName ?? "";
  const given = spec.externalIPs ?? [];
  if (spec.type !== "LoadBalancer") return orNone(given.join(","));
  const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
  return [...ingress, ...given].join(",") || "<pending>";
}
