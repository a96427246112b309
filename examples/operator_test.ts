/**
 * A tiny operator, and its test in a cluster inside this process. The operator makes a Deployment of every ConfigMap that
 * carries the label `example.com/app`: its data says which image and how many replicas.
 *
 *     deno run -A examples/operator_test.ts
 *     npx esbuild examples/operator_test.ts --bundle --platform=node --format=esm --packages=external --outfile=dist/lib/operator_test.mjs
 *     node dist/lib/operator_test.mjs
 *
 * In a project of your own the import is `from "wherry"`.
 */
import assert from "node:assert/strict";
import {
  apply,
  type Client,
  type ConfigMap,
  configMap,
  controllerReference,
  createInformers,
  type Deployment,
  deployment,
  keyOf,
  keyText,
  parseKey,
  pod,
  silentLogger,
  startCluster,
  systemClock,
  systemRandom,
  WorkQueue,
} from "../mod.ts";

const label = "example.com/app";

/**
 * Runs the operator until aborted. Level-triggered, as Kubernetes' controllers are: a change only says where to look, so
 * a missed one costs time, not truth.
 */
async function runOperator(client: Client, signal: AbortSignal): Promise<void> {
  await using informers = createInformers({ client, clock: systemClock, random: systemRandom, log: silentLogger });
  const queue = new WorkQueue({ clock: systemClock });
  signal.addEventListener("abort", () => queue.shutdown());
  const apps = informers.informer(configMap, { labelSelector: label });
  const deployments = informers.informer(deployment);
  apps.onChange(({ object }) => queue.add(keyText(keyOf(object))));
  // Whoever changes or deletes the deployment by hand gets it back.
  deployments.onChange(({ object }) => queue.add(keyText(keyOf(object))));
  await Promise.all([apps.synced({ signal }), deployments.synced({ signal })]);

  for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
    try {
      const app = apps.get(parseKey(key));
      // A deleted app's deployment goes by itself: the garbage collector follows the owner reference.
      if (app && !app.metadata.deletionTimestamp) await apply(client, deployment, deploymentOf(app), { signal });
      queue.forget(key);
    } catch (error) {
      if (signal.aborted) return;
      console.error(`${key}: ${error}`);
      queue.addRateLimited(key);
    } finally {
      queue.done(key);
    }
  }
}

/** The deployment that an app wants. Pure: this is the part to test in tables. */
function deploymentOf(app: ConfigMap): Deployment {
  const { name = "", namespace = "default" } = app.metadata;
  const labels = { [label]: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, ownerReferences: [controllerReference(app)] },
    spec: {
      replicas: Number(app.data?.["replicas"] ?? 1),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "app", image: app.data?.["image"] ?? "scratch" }] },
      },
    },
  };
}

// The test: a whole cluster whose containers are only pretended, so it takes milliseconds.
await using cluster = await startCluster({ nodes: 2, runtime: "fake" });
const stop = new AbortController();
const running = runOperator(cluster.client, stop.signal);
const key = { namespace: "default", name: "shop" };
const ready = (replicas: number) => ({
  predicate: ({ spec, status }: Deployment) => spec.replicas === replicas && status?.readyReplicas === replicas,
});

await cluster.apply(`
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
  labels: { ${label}: shop }
data: { image: "shop:1", replicas: "2" }
`);
await appears();
await cluster.waitFor(deployment, key, ready(2));
const { items } = await cluster.client.list(pod, { namespace: "default" });
assert.deepEqual(new Set(items.map(({ spec }) => spec.nodeName)), new Set(["node-0", "node-1"]));
console.log("ok: makes the deployment of an app, spread over the nodes");

await cluster.client.patch(configMap, key, { type: "merge", body: { data: { replicas: "3" } } });
await cluster.waitFor(deployment, key, ready(3));
console.log("ok: follows a change of the app");

await cluster.client.patch(deployment, key, { type: "merge", body: { spec: { replicas: 0 } } });
await cluster.waitFor(deployment, key, ready(3));
console.log("ok: undoes what somebody changed by hand");

await cluster.client.delete(configMap, key);
await cluster.waitFor(deployment, key, { deleted: true });
console.log("ok: goes with its app");

stop.abort();
await running;

/** Waits until the operator has made the deployment. */
async function appears(): Promise<void> {
  for await (const { object } of cluster.client.watch(deployment, { namespace: key.namespace }))
    if (object.metadata.name === key.name) return;
}
