/**
 * Restarts the deployments that a label selector chooses, a few at a time; each must be rolled out before the next begins.
 * Works on whatever cluster the kubeconfig names:
 *
 *     deno run -A examples/roll_deployments.ts tier=web 2
 *     npx esbuild examples/roll_deployments.ts --bundle --platform=node --format=esm --packages=external --outfile=roll.mjs
 *     node roll.mjs tier=web 2
 *
 * In a project of your own the import is `from "wherry"`.
 */
import process from "node:process";
import {
  type Client,
  createClient,
  type Deployment,
  deployment,
  httpTransport,
  keyOf,
  loadKubeconfig,
  resolveContext,
  rolloutProgress,
  waitFor,
} from "../mod.ts";

const [selector = "", atOnce = "2"] = process.argv.slice(2);
const { server, transport, namespace } = await resolveContext(await loadKubeconfig());
if (!server || selector === "" || !(Number(atOnce) >= 1)) {
  console.error("Usage: roll_deployments SELECTOR [HOW MANY AT ONCE]; the cluster is that of the kubeconfig");
  process.exit(2);
}

await using client = createClient(httpTransport(transport));
const { items } = await client.list(deployment, { namespace, labelSelector: selector });
console.log(`${items.length} deployments of ${namespace} match ${selector}`);

const waiting = [...items];
await Promise.all(
  Array.from({ length: Number(atOnce) }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await roll(client, next);
  }),
);

/** Restarts one deployment, as `kubectl rollout restart` does, and waits until all of its pods are new. */
async function roll(client: Client, found: Deployment): Promise<void> {
  const key = keyOf(found);
  const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
  const body = { spec: { template: { metadata: { annotations } } } };
  console.log(`${key.name}: restarting`);
  await client.patch(deployment, key, { type: "strategic", body });
  await waitFor(client, deployment, key, { predicate: (now) => rolloutProgress(now).done, timeoutMs: 600_000 });
  console.log(`${key.name}: rolled out`);
}
