import { selectorFromMap } from "../../core/api/labels.ts";
import { keyOf, type ObjectKey, type StringMap } from "../../core/api/meta.ts";
import { type Pod, pod, type Service, type ServicePort, service } from "../../core/kinds/mod.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { isSidecar } from "../../core/kinds/pod_resources.ts";
import { withEntry } from "./_template_hash.ts";
import type { ControllerContext } from "./controller.ts";

/** Label of Endpoints and EndpointSlices of services without a cluster IP. */
const headlessLabel = "service.kubernetes.io/headless";

/** Whether this cluster finds out the service's endpoints: it selects pods. */
export function selectsPods({ spec }: Service): boolean {
  return spec?.type !== "ExternalName" && Object.keys(spec?.selector ?? {}).length > 0;
}

/** Whether the service has no cluster IP, so that names lead to the pods themselves. */
export function isHeadless({ spec }: Service): boolean {
  return spec?.clusterIP === "None";
}

/** The service's own labels, and the one of headless services. */
export function endpointLabels(owner: Service): StringMap {
  const labels = Object.fromEntries(
    Object.entries(owner.metadata.labels ?? {}).filter(([name]) => name !== headlessLabel),
  );
  return isHeadless(owner) ? withEntry(labels, headlessLabel, "") : labels;
}

/** Pods that the service selects, have an address and have not ended; by name. */
export function selectedPods(owner: Service, lister: ControllerContext["lister"]): readonly Pod[] {
  const selector = selectorFromMap(owner.spec?.selector);
  return lister(pod)
    .list(owner.metadata.namespace)
    .filter((one) => one.status?.podIP && !isPodTerminal(one) && selector.matches(one.metadata.labels))
    .sort((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1));
}

/** Keys of the services that select `object`. */
export function servicesOf(object: Pod, lister: ControllerContext["lister"]): readonly ObjectKey[] {
  return lister(service)
    .list(object.metadata.namespace)
    .filter((one) => selectsPods(one) && selectorFromMap(one.spec?.selector).matches(object.metadata.labels))
    .map(keyOf);
}

/** The port of the pod's containers that a service port leads to; undefined when the pod has no port of that name. */
export function targetPort(one: Pod, { port, targetPort: target, protocol = "TCP" }: ServicePort): number | undefined {
  if (target === undefined || target === 0 || target === "") return port;
  if (typeof target === "number") return target;
  const sidecars = (one.spec.initContainers ?? []).filter(isSidecar);
  for (const container of [...one.spec.containers, ...sidecars]) {
    const found = container.ports?.find((own) => own.name === target && (own.protocol ?? "TCP") === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}

/** The host name under which a headless service announces the pod. */
export function announcedHostname(one: Pod, owner: Service): string | undefined {
  const { hostname, subdomain } = one.spec;
  return hostname && subdomain === owner.metadata.name ? hostname : undefined;
}

/** Reference from an endpoint to its pod. */
export function podReference({ metadata }: Pod): {
  readonly kind: "Pod";
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
} {
  const { namespace = "", name = "", uid = "" } = metadata;
  return { kind: "Pod", namespace, name, uid };
}
