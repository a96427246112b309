import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Container } from "../../core/kinds/pod.ts";

const program = join(dirname(fileURLToPath(import.meta.url)), "programs", "server.mjs");

/** How the server of `programs/server.mjs` is started. */
export const serverCommand: readonly string[] =
  "Deno" in globalThis ? [process.execPath, "run", "-A", program] : [process.execPath, program];

const fieldEnv = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/** A container that runs the server; ready when it answers. */
export function serverContainer(more: object = {}): Container {
  return {
    name: "web",
    image: "server",
    command: [...serverCommand],
    env: [{ name: "PORT", value: "8080" }, fieldEnv("POD_NAME", "metadata.name"), fieldEnv("POD_IP", "status.podIP")],
    ports: [{ name: "http", containerPort: 8080 }],
    // Its answer says whether it is ready, not the time that a busy machine takes for it.
    readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 1, timeoutSeconds: 30 },
    ...more,
  };
}

/** A Deployment of servers. */
export function servers(name: string, replicas: number, container: object = {}): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 5, containers: [serverContainer(container)] },
      },
    },
  };
}

/** A Service of what carries the label `app: NAME`. */
export function serviceOf(name: string, spec: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: 8080 }], ...spec },
  };
}

/** A Pod with one container that runs a shell script. */
export function shellPod(name: string, script: string, spec: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "main", image: "sh", command: ["sh", "-c", script] }],
      ...spec,
    },
  };
}
