import { join } from "node:path";
import type { ContainerInfo } from "dockerode";
import { waitFor } from "../../core/client/wait_for.ts";
import { type Pod, pod } from "../../core/kinds/pod.ts";
import { service } from "../../core/kinds/service.ts";
import { startUp, type TestCluster, temporaryFolder } from "../e2e/harness.ts";
import { patienceMs } from "../patience.ts";
import { engine, importBusybox, testImage } from "../suites/docker_image.ts";

/** A `wherry up` that runs its pods in Docker. */
export interface DockerCluster extends TestCluster {
  /** Creates a pod by the library: quicker than by a command. */
  create(pod: object): Promise<void>;
  /** Waits until a pod is as wanted. */
  pod(name: string, predicate: (pod: Pod) => boolean): Promise<Pod>;
  /** Waits until a pod is Ready. */
  ready(name: string): Promise<Pod>;
  /** The first node port of a service. */
  nodePort(name: string): Promise<number>;
}

/** Starts `wherry up` on Docker, with its state in `folder`. */
export async function startOnDocker(folder: string): Promise<DockerCluster> {
  await importBusybox();
  const flags = ["--container-runtime", "docker", "--pod-infra-container-image", testImage];
  const cluster = await startUp(folder, ...flags);
  const podOnce = (name: string, predicate: (pod: Pod) => boolean) =>
    waitFor(cluster.client, pod, { namespace: "default", name }, { predicate, timeoutMs: 3 * patienceMs });
  return {
    ...cluster,
    async create(object) {
      const made = object as Pod;
      await cluster.client.create(pod, { ...made, metadata: { namespace: "default", ...made.metadata } });
    },
    pod: podOnce,
    ready: (name) =>
      podOnce(
        name,
        ({ status }) => status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false,
      ),
    async nodePort(name) {
      const { spec } = await cluster.client.get(service, { namespace: "default", name });
      return spec?.ports?.[0]?.nodePort ?? 0;
    },
  };
}

/** A temporary folder for the state of clusters. Whatever containers they leave are removed with it. */
export function dockerFolder(): { readonly path: string; [Symbol.asyncDispose](): Promise<void> } {
  const folder = temporaryFolder();
  return {
    path: folder.path,
    async [Symbol.asyncDispose]() {
      for (const { Id } of await containersOf(folder.path)) {
        await engine.getContainer(Id).remove({ force: true, v: true });
      }
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** All containers that the engine has for the cluster whose state is in `folder`, ended ones too; of one pod if named. */
export async function containersOf(folder: string, podName?: string): Promise<readonly ContainerInfo[]> {
  const all = await engine.listContainers({ all: true, filters: { label: ["wherry.dev/root-dir"] } });
  return all.filter(
    ({ Labels }) =>
      Labels["wherry.dev/root-dir"]?.startsWith(join(folder, "/")) &&
      (podName === undefined || Labels["wherry.dev/pod-name"] === podName),
  );
}

/** A line of shell that stays until it is told to end. */
export const stay = "trap 'exit 0' TERM; while :; do sleep 60 & wait $!; done";

/** A container of busybox that runs a line of shell. */
export function shell(script: string, more: object = {}): object {
  return { name: "main", image: testImage, command: ["sh", "-c", script], ...more };
}

/** A Pod of such containers. */
export function podOf(name: string, containers: readonly object[], spec: object = {}): object {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } }, spec: { containers, ...spec } };
}

/** Environment variable POD_NAME. */
export const podName = { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } };

/** A Deployment of web servers of busybox that answer with a word and their pod's name, and end two seconds after they are told to. */
export function webServers(name: string, replicas: number, word: string): object {
  const script = `mkdir /www; echo ${word} $POD_NAME >/www/index.html; trap 'sleep 2; exit 0' TERM; httpd -f -p 8080 -h /www & wait $!`;
  const labels = { app: name };
  const readinessProbe = { httpGet: { path: "/", port: 8080 }, periodSeconds: 1, timeoutSeconds: 30 };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [shell(script, { env: [podName], readinessProbe })] } },
    },
  };
}
