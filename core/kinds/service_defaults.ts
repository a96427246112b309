import { compact } from "../util/compact.ts";
import type { Service, ServicePort, ServiceSpec } from "./service.ts";

/** Seconds that a client stays with an endpoint under ClientIP affinity. */
const affinitySeconds = 10_800;

/** Fills what Kubernetes documents for services. Addresses and node ports are allocated elsewhere. */
export function defaultService(object: Service): Service {
  const spec: ServiceSpec = object.spec ?? {};
  const type = spec.type || "ClusterIP";
  const sessionAffinity = spec.sessionAffinity || "None";
  const reachable = type !== "ExternalName";
  const external = isExternallyAccessible({ ...spec, type });
  const ingress = type === "LoadBalancer" ? object.status?.loadBalancer?.ingress : undefined;
  return {
    ...object,
    ...(ingress && {
      status: {
        ...object.status,
        loadBalancer: { ingress: ingress.map((each) => (each.ip ? { ipMode: "VIP" as const, ...each } : each)) },
      },
    }),
    spec: compact<ServiceSpec>({
      ...spec,
      type,
      sessionAffinity,
      sessionAffinityConfig:
        sessionAffinity === "ClientIP"
          ? {
              ...spec.sessionAffinityConfig,
              clientIP: { timeoutSeconds: affinitySeconds, ...spec.sessionAffinityConfig?.clientIP },
            }
          : undefined,
      ports: spec.ports?.map(defaultPort),
      internalTrafficPolicy: spec.internalTrafficPolicy ?? (reachable ? "Cluster" : undefined),
      externalTrafficPolicy: spec.externalTrafficPolicy || (external ? "Cluster" : undefined),
      allocateLoadBalancerNodePorts: spec.allocateLoadBalancerNodePorts ?? (type === "LoadBalancer" ? true : undefined),
    }),
  };
}

function defaultPort(port: ServicePort): ServicePort {
  return { ...port, protocol: port.protocol || "TCP", targetPort: port.targetPort || port.port };
}

/** Whether traffic may come from outside the cluster. */
export function isExternallyAccessible(spec: ServiceSpec): boolean {
  if (spec.type === "LoadBalancer" || spec.type === "NodePort") return true;
  return spec.type === "ClusterIP" && (spec.externalIPs?.length ?? 0) > 0;
}

/** Whether what balances load asks nodes whether they have endpoints of the service, at a port of its own. */
export function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}
