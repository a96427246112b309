import { asObject } from "../core/api/json_object.ts";
import { parseManifests } from "../core/api/yaml.ts";
import { apply } from "../core/client/apply.ts";
import type { Client } from "../core/client/client.ts";
import { waitFor } from "../core/client/wait_for.ts";
import { deployment } from "../core/kinds/deployment.ts";
import { rolloutProgress } from "../core/kinds/deployment_rollout.ts";
import { endpointSlice } from "../core/kinds/endpoint_slice.ts";
import { type Service, service } from "../core/kinds/service.ts";
import { readTextAsset } from "../core/platform/assets.ts";
import { httpProbe } from "../core/platform/http_probe.ts";
import { clusterFlags, contextHint, openCluster } from "./cluster_on_disk.ts";
import { untilAborted } from "./daemon.ts";
import type { CommandEnv } from "./env.ts";
import { qualifiedName } from "./output/format.ts";
import { resourceOfKind } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

const example = "examples/hello.yaml";
const requests = 12;
const key = { namespace: "default", name: "hello" };

/** Shows what wherry does: a cluster, an application in it, requests through its service. */
export const start: Verb = defineVerb({
  name: "start",
  group: "Start a cluster",
  summary: "Start a cluster with an example in it, and send it a dozen requests.",
  flags: {
    ...clusterFlags,
    "container-runtime": { ...clusterFlags["container-runtime"], default: "process" },
    once: { type: "boolean", description: "Stop after the requests." },
  },
  examples: [["For a script: over when it has answered", "wherry start --once"]],
  async run({ flags, words, env }) {
    if (words.length > 0) throw new UsageError(`unexpected argument ${words[0]}`);
    const { terminal, clock } = env;
    const startedAt = clock.monotonic();
    const say = (text: string) =>
      terminal.write(`${((clock.monotonic() - startedAt) / 1000).toFixed(2).padStart(6)} s  ${text}\n`);
    const { cluster, kubeconfig, isCurrent, nodePortAddress: host } = await openCluster(flags, env);
    await using _cluster = cluster;
    await say(`The cluster is ready at ${cluster.url}`);
    await say(`kubeconfig ${kubeconfig}, context wherry`);

    const { client } = cluster;
    for (const manifest of parseManifests((await readTextAsset(example)) ?? "", example)) {
      const object = asObject({
        ...manifest,
        metadata: { ...(manifest["metadata"] as object), namespace: key.namespace },
      });
      const { object: applied, outcome } = await apply(client, await resourceOfKind(client, object), object, {
        signal: env.signal,
      });
      await say(`${qualifiedName(applied)} ${outcome}`);
    }
    const replicas = await followRollout(client, env, say);
    await untilServed(client, replicas, env);

    const port = await nodePort(client, env);
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
    await say(`${requests} requests to ${url}`);
    for (let sent = 0; sent < requests; sent++) {
      const { body } = await httpProbe({
        scheme: "http",
        host,
        port,
        path: "/",
        headers: [],
        userAgent: "wherry",
        signal: env.signal,
      });
      await terminal.write(`            ${body}`);
    }
    await say("Done");
    if (flags.once) return 0;

    const hint = contextHint(isCurrent);
    await terminal.write(
      [
        "",
        "Now, in a second terminal:",
        ...[
          "get pods -o wide",
          "logs -f deploy/hello",
          "exec -it deploy/hello -- sh",
          "scale deploy/hello --replicas=5",
          "describe deploy/hello",
        ].map((line) => `  npx wherry${hint} ${line}`),
        `  kubectl${hint} get all`,
        `  curl ${url}`,
        "",
        "Ctrl-C stops the cluster and its pods.",
        "",
      ].join("\n"),
    );
    await untilAborted(env.signal);
    await terminal.write("Stopping the pods and the cluster\n");
    return 0;
  },
});

/** Resolves with the number of replicas once all are available. */
async function followRollout(client: Client, env: CommandEnv, say: (text: string) => Promise<void>): Promise<number> {
  let said: Promise<void> = Promise.resolve();
  let last = "";
  const { spec } = await waitFor(client, deployment, key, {
    predicate: (found) => {
      const { done, message } = rolloutProgress(found);
      if (message !== last) said = said.then(() => say(message));
      last = message;
      return done;
    },
    timeoutMs: 120_000,
    clock: env.clock,
    signal: env.signal,
  });
  await said;
  return spec.replicas ?? 1;
}

/** A pod that is ready is among the service's endpoints a moment later. */
async function untilServed(client: Client, replicas: number, env: CommandEnv): Promise<void> {
  const { namespace, name } = key;
  const slices = client.watch(endpointSlice, {
    namespace,
    labelSelector: `kubernetes.io/service-name=${name}`,
    signal: env.signal,
  });
  for await (const { type, object } of slices) {
    if (type !== "BOOKMARK" && object.endpoints.filter(({ conditions }) => conditions?.ready).length >= replicas)
      return;
  }
}

async function nodePort(client: Client, env: CommandEnv): Promise<number> {
  const { spec }: Service = await client.get(service, key, { signal: env.signal });
  const port = spec?.ports?.[0]?.nodePort;
  if (!port) throw new Error(`Cannot send requests: service ${key.name} has no node port`);
  return port;
}
