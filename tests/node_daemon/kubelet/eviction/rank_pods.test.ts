import { describe, expect, it } from "vitest";
import type { Pod, ResourceList } from "../../../../core/kinds/pod.ts";
import { evictionMessage, type PodUses, rankPods } from "../../../../node_daemon/kubelet/eviction/rank_pods.ts";
import type { Signal } from "../../../../node_daemon/kubelet/eviction/signals.ts";
import { parseThresholds } from "../../../../node_daemon/kubelet/eviction/thresholds.ts";
import type { PodSummary } from "../../../../node_daemon/kubelet/stats/summary_document.ts";
import { makePod, spec1 } from "../fixtures.ts";

const time = "2026-01-01T00:00:00Z";

function named(name: string, requests: ResourceList = {}, priority = 0): Pod {
  return makePod(
    { priority, containers: [spec1("app", { resources: { requests } })], volumes: [{ name: "data", emptyDir: {} }] },
    { metadata: { name, uid: name } },
  );
}

interface Use {
  readonly memory?: number;
  readonly root?: number;
  readonly log?: number;
  readonly volume?: number;
  readonly processes?: number;
}

function using(name: string, { memory = 0, root = 0, log = 0, volume = 0, processes = 0 }: Use): [string, PodSummary] {
  const fs = (usedBytes: number) => ({ time, usedBytes, inodesUsed: usedBytes });
  return [
    name,
    {
      podRef: { name, namespace: "default", uid: name },
      memory: { time, workingSetBytes: memory },
      containers: [
        { name: "app", cpu: { time }, memory: { time, workingSetBytes: memory }, rootfs: fs(root), logs: fs(log) },
      ],
      volume: [{ name: "data", ...fs(volume) }],
      process_stats: { process_count: processes },
    },
  ];
}

const names = (pods: readonly Pod[], uses: PodUses, signal: Signal, imagesApart = false) =>
  rankPods(pods, uses, { signal, layout: { imagesApart } }).map(({ metadata }) => metadata.name);

describe("rankPods()", () => {
  it("takes those above their requests first, then the less important, then those that use most above them", () => {
    const pods = [
      named("keeps", { memory: "500" }, 0),
      named("important", { memory: "100" }, 10),
      named("little", { memory: "100" }),
      named("much", { memory: "100" }),
      named("untold", {}),
    ];
    const uses = new Map([
      using("keeps", { memory: 400 }),
      using("important", { memory: 5000 }),
      using("little", { memory: 110 }),
      using("much", { memory: 300 }),
    ]);
    expect(names(pods, uses, "memory.available")).toEqual(["untold", "much", "little", "important", "keeps"]);
  });

  it("counts for a disk what pods write to that disk", () => {
    const pods = [named("root"), named("volume")];
    const uses = new Map([using("root", { root: 1000, log: 1 }), using("volume", { volume: 500, log: 5 })]);
    expect(names(pods, uses, "nodefs.available")).toEqual(["root", "volume"]);
    expect(names(pods, uses, "nodefs.available", true)).toEqual(["volume", "root"]);
    expect(names(pods, uses, "imagefs.available", true)).toEqual(["root", "volume"]);
    expect(names(pods, uses, "nodefs.inodesFree", true)).toEqual(["volume", "root"]);
  });

  it("goes by priority and number for processes, which nobody asks for", () => {
    const pods = [named("few"), named("many"), named("important", {}, 5)];
    const uses = new Map([
      using("few", { processes: 3 }),
      using("many", { processes: 300 }),
      using("important", { processes: 9000 }),
    ]);
    expect(names(pods, uses, "pid.available")).toEqual(["many", "few", "important"]);
  });
});

it.each<[Signal, string, Use, string]>([
  [
    "memory.available",
    "100Mi",
    { memory: 200 * 2 ** 20 },
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 1000Ki. Container app was using 200Mi, request is 64Mi, has larger consumption of memory. ",
  ],
  [
    "memory.available",
    "100Mi",
    { memory: 2 ** 20 },
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 1000Ki. ",
  ],
  [
    "nodefs.available",
    "10%",
    { root: 3 * 2 ** 20, log: 2 ** 20 },
    "The node was low on resource: ephemeral-storage. Threshold quantity: 100Mi, available: 1000Ki. Container app was using 4Mi, request is 0, has larger consumption of ephemeral-storage. ",
  ],
  [
    "pid.available",
    "10%",
    { processes: 10 },
    "The node was low on resource: pids. Threshold quantity: 100Mi, available: 1024k. ",
  ],
])("evictionMessage() for %s below %s with %j", (signal, text, use, message) => {
  const [threshold] = parseThresholds({ hard: { [signal]: text } });
  if (!threshold) throw new Error("no threshold");
  const observations = new Map([[signal, { available: 1000 * 1024, capacity: 1000 * 2 ** 20 }]]);
  const [, summary] = using("web", use);
  expect(evictionMessage(named("web", { memory: "64Mi" }), { threshold, observations, use: summary })).toBe(message);
});
