import type { Deployment, Node, Pod, PodTemplateSpec, ReplicaSet, Service } from "../../../core/kinds/mod.ts";

/** Where the fake clock starts. */
export const start: number = Date.UTC(2026, 0, 1);

/** RFC 3339 text of `ms` milliseconds after the start. */
export function at(ms: number): string {
  return `${new Date(start + ms).toISOString().slice(0, 19)}Z`;
}

/** A template with one container. */
export function template(image = "app:1", app = "web"): PodTemplateSpec {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: "app", image }] } };
}

/** A Deployment called `web`. */
export function aDeployment(
  spec: Partial<Deployment["spec"]> = {},
  rest: { metadata?: Deployment["metadata"]; status?: Deployment["status"] } = {},
): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default", uid: "d1", generation: 1, ...rest.metadata },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: template(),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
    ...(rest.status ? { status: rest.status } : {}),
  };
}

/** A ReplicaSet of the Deployment `web`. */
export function aReplicaSet(
  name: string,
  spec: Partial<ReplicaSet["spec"]> = {},
  rest: { metadata?: ReplicaSet["metadata"]; status?: ReplicaSet["status"] } = {},
): ReplicaSet {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      generation: 1,
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "d1", controller: true }],
      ...rest.metadata,
    },
    spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template: template(), ...spec },
    ...(rest.status ? { status: rest.status } : {}),
  };
}

/** A pod, running and ready since `readySince` if given. */
export function aPod(
  name: string,
  {
    readySince,
    phase = readySince === undefined ? "Pending" : "Running",
    nodeName = "node-1",
    spec = {},
    metadata = {},
    podIP,
  }: {
    readySince?: number;
    phase?: NonNullable<Pod["status"]>["phase"];
    nodeName?: string;
    spec?: Partial<Pod["spec"]>;
    metadata?: Pod["metadata"];
    podIP?: string;
  } = {},
): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      creationTimestamp: at(0),
      labels: { app: "web" },
      ...metadata,
    },
    spec: { containers: [{ name: "app", image: "app:1" }], ...(nodeName ? { nodeName } : {}), ...spec },
    status: {
      ...(phase ? { phase } : {}),
      ...(podIP ? { podIP } : {}),
      conditions: [
        readySince === undefined
          ? { type: "Ready", status: "False" }
          : { type: "Ready", status: "True", lastTransitionTime: at(readySince) },
      ],
    },
  };
}

/** A Service called `web` that selects `app=web`. */
export function aService(spec: Service["spec"] = {}, metadata: Service["metadata"] = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default", uid: "s1", ...metadata },
    spec: { selector: { app: "web" }, clusterIP: "10.0.0.1", ports: [{ port: 80, targetPort: 8080 }], ...spec },
  };
}

/** A node whose Ready condition is `ready`. */
export function aNode(
  name: string,
  {
    ready = "True",
    spec = {},
    metadata = {},
  }: { ready?: "True" | "False" | "Unknown"; spec?: Node["spec"]; metadata?: Node["metadata"] } = {},
): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, uid: `uid-${name}`, creationTimestamp: at(0), ...metadata },
    spec: { ...spec },
    status: {
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
      conditions: [{ type: "Ready", status: ready, reason: "KubeletReady", lastHeartbeatTime: at(0) }],
    },
  };
}
