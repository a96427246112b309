import { createServer, request } from "node:http";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findCondition } from "../../core/api/meta.ts";
import { createEventRecorder } from "../../core/client/event_recorder.ts";
import { createInformers } from "../../core/client/informers.ts";
import type { Container, Pod } from "../../core/kinds/pod.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { systemRandom } from "../../core/platform/random.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { silentLogger } from "../../core/util/log.ts";
import { startKubelet } from "../../node_daemon/kubelet/kubelet.ts";
import { openDockerRuntime } from "../../node_daemon/runtime/docker.ts";
import { dockerAddress, findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { openTestNode } from "../node_daemon/kubelet/cluster.ts";
import { missing } from "../require.ts";
import { importBusybox, testImage } from "../suites/docker_image.ts";
import { dockerFolder, shell, stay } from "./_cluster.ts";

const isLeftOut = "Deno" in globalThis || missing("docker", await findDocker({ clock: systemClock }));
const noResolvers = { nameservers: [], searches: [], options: [] };

interface Asked {
  readonly kind: string;
  readonly url: string;
}

const kinds: readonly (readonly [string, RegExp])[] = [
  ["create", /^POST \/containers\/create$/],
  ["start", /^POST \/containers\/\w+\/start$/],
  ["list", /^GET \/containers\/json$/],
  ["inspect", /^GET \/containers\/\w+\/json$/],
  ["inspect image", /^GET \/images\/.+\/json$/],
];
const kindOf = (what: string) => kinds.find(([, pattern]) => pattern.test(what))?.[0] ?? what;

/** Passes on what an engine is asked, and notes it. */
async function openCounter(socketPath: string, parts: DisposalStack): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  const server = createServer((incoming, response) => {
    const { method, url = "", headers } = incoming;
    asked.push({ kind: kindOf(`${method} ${url.replace(/\?.*/, "")}`), url });
    const outgoing = request({ ...dockerAddress(), method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  parts.defer(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return asked;
}

it.skipIf(isLeftOut)("a pod on Docker costs its engine few requests", async () => {
  await using parts = new DisposalStack();
  await importBusybox();
  const folder = parts.use(dockerFolder());
  const world = parts.use(await openTestNode(undefined, { kubelet: false }));
  const socketPath = join(folder.path, "engine.sock");
  const asked = await openCounter(socketPath, parts);
  const [clock, random, log] = [systemClock, systemRandom, silentLogger];
  const { client } = world;
  const runtime = parts.use(
    await openDockerRuntime({
      clock,
      log,
      rootDir: join(folder.path, "runtime"),
      podInfraImage: testImage,
      dockerHost: `unix://${socketPath}`,
    }),
  );
  const informers = parts.use(createInformers({ client, clock, random, log }));
  const recorder = parts.use(createEventRecorder({ client, clock, random, log, component: "kubelet", host: "node-1" }));
  parts.use(
    await startKubelet({
      nodeName: "node-1",
      nodeIPs: ["127.0.0.1"],
      rootDir: join(folder.path, "kubelet"),
      client,
      informers,
      runtime,
      recorder,
      allocatable: { cpu: "2", memory: "4Gi" },
      names: { servers: () => ["10.96.0.10"], domain: "cluster.local", resolvers: async () => noResolvers },
      clock,
      random,
      log,
    }),
  );
  const isReady = ({ status }: Pod) => findCondition(status?.conditions, "Ready")?.status === "True";
  const run = async (name: string) => {
    await world.run({ containers: [shell(stay) as Container], terminationGracePeriodSeconds: 1 }, { name });
    await world.until(isReady, name);
  };
  // What the first of an image costs is not counted: its users are looked up once.
  await run("first");
  await expect.poll(() => asked.filter(({ kind }) => kind === "start").length).toBe(2);
  const before = asked.length;
  const names = ["second", "third", "fourth"];
  for (const name of names) await run(name);

  const all = asked.slice(before);
  const last = all.slice(all.findIndex(({ url }) => url.includes("name=wherry_POD_fourth_")));
  const starts = last.filter(({ kind }) => kind === "start");
  const ids = starts.map(({ url }) => url.split("/")[2] ?? "");
  // The pod before may still be looked at.
  const isOwn = ({ kind, url }: Asked) =>
    kind === "inspect image" || ["_fourth_", ...ids].some((id) => url.includes(id));
  const untilStarted = last.slice(0, last.indexOf(starts[1] as Asked) + 1).filter(isOwn);
  // The sandbox and the container; how the sandbox is once it runs, and the container before it is started.
  const needed = ["create", "create", "inspect", "inspect image", "list", "start", "start"];
  expect(untilStarted.map(({ kind }) => kind).sort()).toEqual(needed);
  // And how they are at the end, which an event may have looked at once more.
  expect(all.length).toBeLessThanOrEqual(names.length * (needed.length + 4));
  expect(all.filter(({ kind }) => kind === "inspect image")).toHaveLength(names.length);
});
