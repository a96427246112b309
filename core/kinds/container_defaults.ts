import { imageTag } from "./image_tag.ts";
import type { Container, EnvVar, Handler, Probe, ResourceRequirements } from "./pod.ts";
import { canonicalResources } from "./pod_resources.ts";
import { defaultFieldRef, defaultResourceFieldRef } from "./volume_defaults.ts";
import { withMembers } from "./with_members.ts";

/** Fills what Kubernetes documents for containers of every sort. @see k8s.io/kubernetes/pkg/apis/core/v1/defaults.go */
export function defaultContainer(container: Container): Container {
  return withMembers(container, {
    imagePullPolicy:
      container.imagePullPolicy || (imageTag(container.image ?? "") === "latest" ? "Always" : "IfNotPresent"),
    terminationMessagePath: container.terminationMessagePath || "/dev/termination-log",
    terminationMessagePolicy: container.terminationMessagePolicy || "File",
    resources: defaultResources(container.resources),
    ports: container.ports?.map((port) => ({ ...port, protocol: port.protocol || "TCP" })),
    env: container.env?.map(defaultEnv),
    livenessProbe: container.livenessProbe && defaultProbe(container.livenessProbe),
    readinessProbe: container.readinessProbe && defaultProbe(container.readinessProbe),
    startupProbe: container.startupProbe && defaultProbe(container.startupProbe),
    lifecycle:
      container.lifecycle &&
      withMembers(container.lifecycle, {
        postStart: container.lifecycle.postStart && defaultHandler(container.lifecycle.postStart),
        preStop: container.lifecycle.preStop && defaultHandler(container.lifecycle.preStop),
      }),
  });
}

function defaultResources(resources: ResourceRequirements = {}): ResourceRequirements {
  return withMembers(resources, {
    limits: resources.limits && canonicalResources(resources.limits),
    requests: resources.requests && canonicalResources(resources.requests),
  });
}

function defaultEnv(variable: EnvVar): EnvVar {
  const source = variable.valueFrom;
  if (!source) return variable;
  return {
    ...variable,
    valueFrom: withMembers(source, {
      fieldRef: source.fieldRef && defaultFieldRef(source.fieldRef),
      resourceFieldRef: source.resourceFieldRef && defaultResourceFieldRef(source.resourceFieldRef),
    }),
  };
}

function defaultProbe(probe: Probe): Probe {
  return withMembers(defaultHandler(probe), {
    timeoutSeconds: probe.timeoutSeconds || 1,
    periodSeconds: probe.periodSeconds || 10,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
    grpc: probe.grpc && { ...probe.grpc, service: probe.grpc.service ?? "" },
  });
}

function defaultHandler<T extends Handler>(handler: T): T {
  const { httpGet } = handler;
  if (!httpGet) return handler;
  return { ...handler, httpGet: { ...httpGet, path: httpGet.path || "/", scheme: httpGet.scheme || "HTTP" } };
}
