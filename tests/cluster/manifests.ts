import type { Deployment } from "../../core/kinds/deployment.ts";
import type { Pod } from "../../core/kinds/pod.ts";

/** A pod whose program (a line of shell) runs as a process. */
export function shellPod(name: string, script: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "main", image: "none", command: ["sh", "-c", script] }],
    },
  };
}

/** A deployment for the fake runtime. */
export function fakeDeployment(name: string, replicas: number): Deployment {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "none" }] } },
    },
  };
}
