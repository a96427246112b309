import { describe, expect, it } from "vitest";
import { imageTag } from "../../../core/kinds/image_tag.ts";
import { deployment, pod } from "../../../core/kinds/mod.ts";
import { deploymentOf, nginx, podOf, podWith } from "./fixtures.ts";

const defaultsOf = (object = podOf()) => pod.strategy.applyDefaults(object);

describe("pod defaults", () => {
  it("pod gets what Kubernetes documents, when nothing is set", () => {
    expect(defaultsOf().spec).toEqual({
      containers: [
        {
          name: "nginx",
          image: "nginx:1.27",
          imagePullPolicy: "IfNotPresent",
          resources: {},
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
        },
      ],
      dnsPolicy: "ClusterFirst",
      enableServiceLinks: true,
      restartPolicy: "Always",
      schedulerName: "default-scheduler",
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    });
  });

  it("templates get no service links, host ports and requests, which only pods have", () => {
    const container = { ...nginx, ports: [{ containerPort: 80 }], resources: { limits: { cpu: 1 } } };
    const { template } = deployment.strategy.applyDefaults(
      deploymentOf({ template: { spec: { hostNetwork: true, containers: [container] } } }),
    ).spec;
    expect(template.spec.enableServiceLinks).toBeUndefined();
    expect(template.spec.containers[0]?.resources).toEqual({ limits: { cpu: "1" } });
    expect(template.spec.containers[0]?.ports).toEqual([{ containerPort: 80, protocol: "TCP" }]);
  });

  it("a negative time to end is one second in a pod, and warned of in a template, which keeps it", () => {
    const spec = { containers: [nginx], terminationGracePeriodSeconds: -7 };
    const made = defaultsOf(podOf(spec));
    expect(made.spec.terminationGracePeriodSeconds).toBe(1);
    expect(pod.strategy.validate(made, { localRanges: [] })).toEqual([]);
    expect(pod.strategy.warnings(made, undefined)).toEqual([]);
    const web = deployment.strategy.applyDefaults(deploymentOf({ template: { spec } }));
    expect(web.spec.template.spec.terminationGracePeriodSeconds).toBe(-7);
    expect(deployment.strategy.warnings(web, undefined)).toEqual([
      "spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
    ]);
  });

  it("requests are taken from limits where they are absent, quantities in canonical form", () => {
    const resources = { limits: { cpu: 0.5, memory: "1024Mi" }, requests: { cpu: "0.1" } };
    expect(defaultsOf(podWith({ resources })).spec.containers[0]?.resources).toEqual({
      limits: { cpu: "500m", memory: "1Gi" },
      requests: { cpu: "100m", memory: "1Gi" },
    });
  });

  it("a pod's requests as a whole are those of its containers where they have any, else its limits", () => {
    const own = { resources: { requests: { cpu: "0.1" } } };
    const of = (resources: object, container: object = {}) =>
      defaultsOf(podWith(container, { resources })).spec.resources?.requests;
    expect(of({ limits: { cpu: 1, memory: "1024Mi" } }, own)).toEqual({ cpu: "100m", memory: "1Gi" });
    expect(of({ limits: { cpu: 1 }, requests: { cpu: "0.5" } }, own)).toEqual({ cpu: "500m" });
    expect(of({ limits: { cpu: 1 } }, { resources: { limits: { cpu: "0.5" } } })).toEqual({ cpu: "500m" });
    expect(of({ requests: { cpu: "0.5" } }, own)).toEqual({ cpu: "500m" });
    expect(of({ limits: {} }, own)).toBeUndefined();
  });

  it("host ports equal container ports on the host's network", () => {
    const ports = [{ containerPort: 80 }];
    expect(defaultsOf(podWith({ ports }, { hostNetwork: true })).spec.containers[0]?.ports).toEqual([
      { containerPort: 80, hostPort: 80, protocol: "TCP" },
    ]);
  });

  it("probes and hooks get their times, paths and schemes", () => {
    const container = defaultsOf(
      podWith({
        livenessProbe: { httpGet: { port: 80 } },
        readinessProbe: { exec: { command: ["true"] }, timeoutSeconds: 5 },
        startupProbe: { grpc: { port: 1 } },
        lifecycle: { preStop: { httpGet: { port: "web" } } },
      }),
    ).spec.containers[0];
    const times = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
    expect(container?.livenessProbe).toEqual({ ...times, httpGet: { port: 80, path: "/", scheme: "HTTP" } });
    expect(container?.readinessProbe).toEqual({ ...times, timeoutSeconds: 5, exec: { command: ["true"] } });
    expect(container?.startupProbe).toEqual({ ...times, grpc: { port: 1, service: "" } });
    expect(container?.lifecycle).toEqual({ preStop: { httpGet: { port: "web", path: "/", scheme: "HTTP" } } });
  });

  it("volumes get their modes, types and versions; a volume without a source is an emptyDir", () => {
    const fieldRef = { fieldPath: "metadata.name" };
    const { volumes } = defaultsOf(
      podOf({
        volumes: [
          { name: "a" },
          { name: "b", configMap: { name: "c" } },
          { name: "c", secret: { secretName: "s", defaultMode: 0 } },
          { name: "d", hostPath: { path: "/tmp" } },
          { name: "e", downwardAPI: { items: [{ path: "name", fieldRef }] } },
          { name: "f", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
        ],
      }),
    ).spec;
    expect(volumes).toEqual([
      { name: "a", emptyDir: {} },
      { name: "b", configMap: { name: "c", defaultMode: 420 } },
      { name: "c", secret: { secretName: "s", defaultMode: 0 } },
      { name: "d", hostPath: { path: "/tmp", type: "" } },
      {
        name: "e",
        downwardAPI: { defaultMode: 420, items: [{ path: "name", fieldRef: { apiVersion: "v1", ...fieldRef } }] },
      },
      {
        name: "f",
        projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 3600 } }] },
      },
    ]);
  });

  it("references in the environment get a version and a unit", () => {
    const env = [
      { name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "B", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
    ];
    expect(defaultsOf(podWith({ env })).spec.containers[0]?.env).toEqual([
      { name: "A", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
      { name: "B", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "0" } } },
    ]);
  });

  it("amounts outside of resources are in canonical form, too", () => {
    const resourceFieldRef = { resource: "limits.memory", divisor: "1024Ki" };
    const files = { items: [{ path: "memory", resourceFieldRef: { ...resourceFieldRef, containerName: "nginx" } }] };
    const volumes = [
      { name: "a", emptyDir: { sizeLimit: "1024Mi" } },
      { name: "b", downwardAPI: files },
    ];
    const { spec } = defaultsOf(podWith({ env: [{ name: "A", valueFrom: { resourceFieldRef } }] }, { volumes }));
    expect(spec.containers[0]?.env?.[0]?.valueFrom?.resourceFieldRef?.divisor).toBe("1Mi");
    expect(spec.volumes?.[0]?.emptyDir).toEqual({ sizeLimit: "1Gi" });
    expect(spec.volumes?.[1]?.downwardAPI?.items?.[0]?.resourceFieldRef?.divisor).toBe("1Mi");
  });

  it("the two names of the service account are one", () => {
    expect(defaultsOf(podOf({ serviceAccount: "a" })).spec).toMatchObject({
      serviceAccount: "a",
      serviceAccountName: "a",
    });
  });

  it.each([
    ["nginx", "latest"],
    ["nginx:latest", "latest"],
    ["nginx:1.27", "1.27"],
    ["host:5000/nginx", "latest"],
    ["host:5000/nginx:1", "1"],
    [`nginx@sha256:${"a".repeat(64)}`, undefined],
    [`nginx:1@sha256:${"a".repeat(64)}`, "1"],
    ["", undefined],
    ["Nginx", undefined],
    ["../nginx", undefined],
    ["a".repeat(256), undefined],
  ])("imageTag() reads %s as %s", (image, tag) => {
    expect(imageTag(image)).toBe(tag);
  });

  it("a latest image is always pulled", () => {
    expect(defaultsOf(podWith({ image: "nginx" })).spec.containers[0]?.imagePullPolicy).toBe("Always");
  });
});
