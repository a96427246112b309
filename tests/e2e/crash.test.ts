import { describe, expect, it } from "vitest";
import type { WatchEvent } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { type ConfigMap, configMap } from "../../core/kinds/configmap.ts";
import { pod } from "../../core/kinds/pod.ts";
import { service } from "../../core/kinds/service.ts";
import { eventually, processesOf, startUp, temporaryFolder } from "./harness.ts";
import { servers, serviceOf } from "./manifests.ts";
import { ask } from "./traffic.ts";

const namespace = "default";
type Change = Exclude<WatchEvent<ConfigMap>, { type: "ERROR" | "BOOKMARK" }>;

describe("kill -9 of the whole cluster under writes", () => {
  it("loses no answered write, adopts the pods as they run, and lets watches go on from where they were", async () => {
    await using folder = temporaryFolder();
    const first = await startUp(folder.path);
    await using _first = first.up;
    await first.apply(servers("web", 3), serviceOf("web"));
    await first.ok("rollout", "status", "deploy/web");
    const before = await podStates(first.client);
    const { spec } = await first.client.get(service, { namespace, name: "web" });
    const processes = await processesBehind(spec?.clusterIP ?? "", 3);

    const { metadata } = await first.client.list(configMap, { namespace });
    const writers = [0, 1, 2, 3].map((writer) => write(first.client, writer));
    await eventually("a hundred writes were answered", () =>
      writers.flatMap(({ acknowledged }) => [...acknowledged]).length >= 100 ? true : undefined,
    );
    expect(await first.up.stop("SIGKILL")).toMatchObject({ code: -1 });
    await Promise.all(writers.map(({ ended }) => ended));
    await first.client[Symbol.asyncDispose]();
    const acknowledged = new Map(writers.flatMap((writer) => [...writer.acknowledged]));

    await using second = await startUp(folder.path);
    const { items } = await second.client.list(configMap, { namespace });
    const present = new Map(items.map((item) => [item.metadata.name ?? "", item.data?.["round"] ?? ""]));
    for (const [name, round] of acknowledged) {
      // The write after the last answered one may have happened too: nobody was told.
      expect([round, String(Number(round) + 1)], name).toContain(present.get(name));
    }

    const resumed = await eventsAfter(second.client, metadata.resourceVersion ?? "", items);
    const rounds = new Map<string, string>();
    const versions = resumed.map(({ object }) => Number(object.metadata.resourceVersion));
    for (const { object } of resumed) rounds.set(object.metadata.name ?? "", object.data?.["round"] ?? "");
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    for (const [name, round] of present) if (name.startsWith("writer-")) expect(rounds.get(name), name).toBe(round);

    expect(await podStates(second.client)).toEqual(before);
    expect(await processesBehind(spec?.clusterIP ?? "", 3)).toEqual(processes);

    expect(await second.up.stop("SIGTERM")).toMatchObject({ code: 0 });
    expect(processesOf(folder.path)).toEqual([]);
  });
});

/** Creates a ConfigMap and writes it again and again until the connection is lost. */
function write(
  client: Client,
  writer: number,
): { readonly acknowledged: Map<string, string>; readonly ended: Promise<void> } {
  const acknowledged = new Map<string, string>();
  const ended = (async () => {
    for (let object = 0; ; object++) {
      const name = `writer-${writer}-${object}`;
      const metadata = { name, namespace };
      const first: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { round: "0" } };
      let written: ConfigMap = await client.create(configMap, first);
      acknowledged.set(name, "0");
      for (let round = 1; round <= 5; round++) {
        written = await client.update(configMap, { ...written, data: { round: String(round) } });
        acknowledged.set(name, String(round));
      }
    }
  })().catch(() => {});
  return { acknowledged, ended };
}

/** What must not change: names, starts and restart counts. */
async function podStates(client: Client): Promise<readonly object[]> {
  const { items } = await client.list(pod, { namespace });
  return items
    .map(({ metadata, status }) => ({
      name: metadata.name,
      uid: metadata.uid,
      ip: status?.podIP,
      ready: status?.containerStatuses?.[0]?.ready,
      restarts: status?.containerStatuses?.[0]?.restartCount,
      containerID: status?.containerStatuses?.[0]?.containerID,
      startedAt: status?.containerStatuses?.[0]?.state?.running?.startedAt,
    }))
    .sort((a, b) => ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
}

/** Pod name and process id of everything that answers behind a service. */
async function processesBehind(ip: string, count: number): Promise<readonly string[]> {
  const answers = new Set<string>();
  await eventually(`${count} pods had answered`, async () => {
    await ask(ip, 80).then(
      (answer) => answers.add(answer.trim()),
      () => {},
    );
    return answers.size >= count ? true : undefined;
  });
  return [...answers].sort();
}

/** Everything that a watch from `resourceVersion` gives, up to the newest of `items`. Fails with 410 when the history is gone. */
async function eventsAfter(
  client: Client,
  resourceVersion: string,
  items: readonly ConfigMap[],
): Promise<readonly Change[]> {
  const versions = items.map(({ metadata }) => Number(metadata.resourceVersion));
  const last = Math.max(...versions);
  const events: Change[] = [];
  for await (const change of client.watch(configMap, { namespace, resourceVersion })) {
    if (change.type === "BOOKMARK") continue;
    events.push(change);
    if (Number(change.object.metadata.resourceVersion) >= last) break;
  }
  return events;
}
