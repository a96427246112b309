import { request } from "node:http";
import { join } from "node:path";
import type { ContainerInfo } from "dockerode";
import type { KubeObject } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { createClient } from "../../core/client/create_client.ts";
import { httpTransport } from "../../core/client/http_transport.ts";
import { loadKubeconfig, resolveContext } from "../../core/client/kubeconfig.ts";
import { waitFor } from "../../core/client/wait_for.ts";
import { type Pod, pod } from "../../core/kinds/pod.ts";
import { service } from "../../core/kinds/service.ts";
import { type Result, type Running, run, start, temporaryFolder, wherry } from "../e2e/harness.ts";
import { engine, importBusybox, testImage } from "../suites/docker_image.ts";

/** A built wherry that runs with its pods in Docker. */
export interface DockerCluster extends AsyncDisposable {
  readonly client: Client;
  /** The daemon's folder, which its containers carry in their labels. */
  readonly dataDir: string;
  /** Runs a verb to its end. */
  run(args: readonly string[], input?: string): Promise<Result>;
  /** Its standard output. @throws Error with what it printed when it fails */
  ok(args: readonly string[], input?: string): Promise<string>;
  /** Starts a verb that stays. */
  start(args: readonly string[]): Running;
  /** `wherry apply` of objects. */
  apply(...objects: readonly object[]): Promise<void>;
  /** Waits until a pod is as wanted. */
  pod(name: string, predicate: (pod: Pod) => boolean): Promise<Pod>;
  /** Waits until a pod is Ready. */
  ready(name: string): Promise<Pod>;
  /** The first node port of a service. */
  nodePort(name: string): Promise<number>;
  /** All containers of this cluster that the engine has, ended ones too; of one pod if named. */
  containers(podName?: string): Promise<readonly ContainerInfo[]>;
  /** Ends the daemon with a signal. */
  stop(signal: NodeJS.Signals): Promise<Result>;
  /** Starts the daemon on the same folder. */
  restart(): Promise<void>;
}

/** Starts `wherry up` on Docker with a folder, port and kubeconfig of its own. */
export async function startOnDocker(): Promise<DockerCluster> {
  await importBusybox();
  const folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  const kubeconfig = join(folder.path, "config");
  const env = { HOME: folder.path, KUBECONFIG: kubeconfig };
  const up = async () => {
    // biome-ignore format: a command line
    const daemon = start(
      [...wherry, "up", "--container-runtime", "docker", "--pod-infra-container-image", testImage, "--data-dir", dataDir, "--kubeconfig", kubeconfig, "--secure-port", "0"],
      { env },
    );
    await daemon.printed(/is ready at .* in Docker/);
    const { transport } = await resolveContext(await loadKubeconfig({ path: kubeconfig }), {});
    return { daemon, client: createClient(httpTransport(transport)) };
  };
  const containers = async (podName?: string) => {
    const all = await engine.listContainers({ all: true, filters: { label: ["wherry.dev/root-dir"] } });
    return all.filter(
      ({ Labels }) =>
        Labels["wherry.dev/root-dir"]?.startsWith(dataDir) &&
        (podName === undefined || Labels["wherry.dev/pod-name"] === podName),
    );
  };
  let running = await up();
  const call = (args: readonly string[], input?: string) =>
    run([...wherry, ...args], { env, ...(input === undefined ? {} : { input }) });
  const ok = async (args: readonly string[], input?: string) => {
    const { code, stdout, stderr } = await call(args, input);
    if (code !== 0) throw new Error(`wherry ${args.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  };
  const podOf = (name: string, predicate: (pod: Pod) => boolean) =>
    waitFor(running.client, pod, { namespace: "default", name }, { predicate });
  return {
    get client() {
      return running.client;
    },
    dataDir,
    run: call,
    ok,
    start: (args) => start([...wherry, ...args], { env }),
    async apply(...objects) {
      await ok(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
    },
    pod: podOf,
    ready: (name) =>
      podOf(
        name,
        ({ status }) => status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false,
      ),
    async nodePort(name) {
      const { spec } = await running.client.get(service, { namespace: "default", name });
      return spec?.ports?.[0]?.nodePort ?? 0;
    },
    containers,
    stop: (signal) => running.daemon.stop(signal),
    async restart() {
      running = await up();
    },
    async [Symbol.asyncDispose]() {
      await running.daemon[Symbol.asyncDispose]();
      for (const { Id } of await containers()) await engine.getContainer(Id).remove({ force: true, v: true });
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A line of shell that stays until it is told to end. */
export const stay = "trap 'exit 0' TERM; while :; do sleep 60 & wait $!; done";

/** A container of busybox that runs a line of shell. */
export function shell(script: string, more: object = {}): object {
  return { name: "main", image: testImage, command: ["sh", "-c", script], ...more };
}

/** A pod of such containers. */
export function podOf(name: string, ...containers: readonly object[]): KubeObject & { spec: object } {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } }, spec: { containers } };
}

/** Environment variable POD_NAME. */
export const podName = { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } };

/** A Deployment of busybox web servers that answer with a word and their pod's name. */
export function webServers(
  name: string,
  { replicas, word }: { readonly replicas: number; readonly word: string },
): object {
  const script = `mkdir /www; echo ${word} $POD_NAME >/www/index.html; trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait $!`;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            shell(script, {
              env: [podName],
              readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
            }),
          ],
        },
      },
    },
  };
}

/** A Service with a node port. */
export function nodePortService(name: string, port: object): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { type: "NodePort", selector: { app: name }, ports: [{ port: 80, ...port }] },
  };
}

/** The body of a GET on a connection of its own. */
export function httpGet(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, agent: false }, async (response) => {
      response.setEncoding("utf8");
      let body = "";
      for await (const chunk of response) body += String(chunk);
      if (response.statusCode === 200) resolve(body.trim());
      else reject(new Error(`HTTP ${response.statusCode}: ${body}`));
    });
    call.on("error", reject).end();
  });
}

/** How often each value stands in a list, most often first. */
export function tally(values: readonly string[]): readonly number[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].sort((a, b) => b - a);
}
