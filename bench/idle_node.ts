import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pod } from "../mod.ts";
import { cpuOf, residentOf, startDaemon, startMasterDaemon } from "./daemons.ts";
import { benchImage, openEngine } from "./docker_peer.ts";
import type { Bench, Figure } from "./figure.ts";

const pods = 50;
/** What a start leaves to do. */
const settleMs = 10_000;
const windowMs = 30_000;

/** What a node daemon costs that has nothing to do. */
export const bench: Bench = {
  about: `a node daemon in a process of its own with ${pods} pods that run, for ${windowMs / 1000} s`,
  async *run(): AsyncGenerator<Figure> {
    for (const runtime of ["process", "docker"]) {
      if (runtime === "docker" && !(await openEngine())) return;
      const folder = await mkdtemp(join(tmpdir(), "wherry-bench-idle-"));
      try {
        yield* idle(folder, runtime);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  },
};

async function* idle(folder: string, runtime: string): AsyncGenerator<Figure> {
  await using master = await startMasterDaemon(folder);
  const reached = ["--server", master.server, "--token", master.token, "--certificate-authority", master.authority];
  const own = ["--root-dir", join(folder, "node"), "--address", "127.0.0.1", "--port", "0", "--node-ip", "127.0.0.1"];
  const flags = ["--container-runtime", runtime, "--pod-infra-container-image", benchImage, "--drain-on-exit"];
  await using node = startDaemon(["node", ...reached, ...own, ...flags]);
  const { client } = master;
  const command = ["sleep", "1000000"];
  for (let index = 0; index < pods; index++) {
    const metadata = { name: `idle-${index}`, namespace: "default" };
    const spec = { terminationGracePeriodSeconds: 0, containers: [{ name: "main", image: benchImage, command }] };
    await client.create(pod, { apiVersion: "v1", kind: "Pod", metadata, spec });
  }
  await allRun(client);
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const before = await cpuOf([node.pid]);
  await new Promise((resolve) => setTimeout(resolve, windowMs));
  const percent = (((await cpuOf([node.pid])) - before) * 100) / windowMs;
  yield { what: `${runtime}: processor`, value: percent, unit: "% of a core", goal: 1 };
  yield { what: `${runtime}: memory`, value: await residentOf(node.pid), unit: "MiB", goal: 80 };
}

async function allRun(client: Awaited<ReturnType<typeof startMasterDaemon>>["client"]): Promise<void> {
  const done = new AbortController();
  const running = new Set<string>();
  for await (const { type, object } of client.watch(pod, { namespace: "default", signal: done.signal })) {
    if (type === "BOOKMARK") continue;
    if (object.status?.phase === "Running") running.add(object.metadata.name ?? "");
    if (running.size === pods) done.abort();
  }
}
