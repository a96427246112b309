import { defaultContainer } from "./container_defaults.ts";
import type { Container, Pod, PodSpec, PodTemplateSpec } from "./pod.ts";
import { defaultPodResources } from "./pod_level_resources.ts";
import { canonicalResources } from "./pod_resources.ts";
import { defaultVolume } from "./volume_defaults.ts";
import { withMembers } from "./with_members.ts";

/**
 * Fills what Kubernetes documents for pod specs, in pods and in templates.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/v1/defaults.go
 */
function defaultPodSpec(spec: PodSpec = { containers: [] }): PodSpec {
  const account = spec.serviceAccountName || spec.serviceAccount;
  return withMembers(spec, {
    volumes: spec.volumes?.map(defaultVolume),
    initContainers: spec.initContainers?.map(defaultContainer),
    containers: (spec.containers ?? []).map(defaultContainer),
    ephemeralContainers: spec.ephemeralContainers?.map(defaultContainer),
    restartPolicy: spec.restartPolicy || "Always",
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    dnsPolicy: spec.dnsPolicy || "ClusterFirst",
    securityContext: spec.securityContext ?? {},
    schedulerName: spec.schedulerName || "default-scheduler",
    overhead: spec.overhead && canonicalResources(spec.overhead),
    resources:
      spec.resources &&
      withMembers(spec.resources, {
        limits: spec.resources.limits && canonicalResources(spec.resources.limits),
        requests: spec.resources.requests && canonicalResources(spec.resources.requests),
      }),
    serviceAccountName: account || undefined,
    serviceAccount: account || undefined,
  });
}

/** Fills a template; what only pods get stays out, so that templates read as they were written. */
export function defaultPodTemplate(template: PodTemplateSpec | undefined): PodTemplateSpec {
  return { ...template, metadata: template?.metadata ?? {}, spec: defaultPodSpec(template?.spec) };
}

/** Fills a pod: the spec, and what depends on being a pod (requests from limits, host ports, service links). */
export function defaultPod(pod: Pod): Pod {
  const spec = defaultPodSpec(pod.spec);
  const finish = (container: Container): Container =>
    requestsFromLimits(spec.hostNetwork === true ? withHostPorts(container) : container);
  return {
    ...pod,
    spec: defaultPodResources(
      withMembers(spec, {
        // Less than nothing is taken for one second since 1.27. Templates keep it, and warn.
        terminationGracePeriodSeconds: (spec.terminationGracePeriodSeconds ?? 0) < 0 ? 1 : undefined,
        enableServiceLinks: spec.enableServiceLinks ?? true,
        containers: spec.containers.map(finish),
        initContainers: spec.initContainers?.map(finish),
      }),
    ),
  };
}

function requestsFromLimits(container: Container): Container {
  const { limits, requests } = container.resources ?? {};
  if (!limits) return container;
  return { ...container, resources: { ...container.resources, requests: { ...limits, ...requests } } };
}

function withHostPorts(container: Container): Container {
  if (!container.ports) return container;
  return {
    ...container,
    ports: container.ports.map((port) => ({ ...port, hostPort: port.hostPort || port.containerPort })),
  };
}
