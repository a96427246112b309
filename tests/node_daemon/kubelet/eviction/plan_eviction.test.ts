import { expect, it } from "vitest";
import {
  type EvictionState,
  noEvictionState,
  planEviction,
} from "../../../../node_daemon/kubelet/eviction/plan_eviction.ts";
import { type EvictionTexts, evictionConfig } from "../../../../node_daemon/kubelet/eviction/thresholds.ts";

/** Looks at a node once for each figure, ten seconds apart, and tells the conditions and what is due. */
function follow(texts: EvictionTexts, figures: readonly { memory?: number; disk?: number }[]): readonly string[] {
  const config = evictionConfig(texts);
  let state: EvictionState = noEvictionState;
  return figures.map(({ memory = 1000, disk = 1000 }, index) => {
    const observations = new Map([
      ["memory.available", { available: memory, capacity: 1000 }],
      ["nodefs.available", { available: disk, capacity: 1000 }],
    ] as const);
    const plan = planEviction(state, observations, { config, now: index * 10_000 });
    state = plan.state;
    return `${plan.conditions.join("+")} ${plan.due.map(({ signal }) => signal).join("+")}`;
  });
}

const calm = { memory: 1000 };

it("a hard threshold is due at once; its condition stays for the transition period", () => {
  const seen = follow({ hard: { "memory.available": "100" } }, [calm, { memory: 99 }, ...Array(31).fill(calm)]);
  expect(seen.slice(0, 3)).toEqual([" ", "MemoryPressure memory.available", "MemoryPressure "]);
  expect(seen.lastIndexOf("MemoryPressure ")).toBe(30);
  expect(seen.at(-1)).toBe(" ");
});

it("a soft threshold is due after its grace period without a break, though its condition is told at once", () => {
  const texts = {
    hard: {},
    soft: { "memory.available": "100" },
    softGracePeriod: { "memory.available": "20s" },
  };
  const low = { memory: 50 };
  expect(follow(texts, [low, low, calm, low, low, low])).toEqual([
    "MemoryPressure ",
    "MemoryPressure ",
    "MemoryPressure ",
    "MemoryPressure ",
    "MemoryPressure ",
    "MemoryPressure memory.available",
  ]);
});

it("what was due stays due until the minimum was given back", () => {
  const texts = { hard: { "memory.available": "100" }, minimumReclaim: { "memory.available": "50" } };
  expect(follow(texts, [{ memory: 120 }, { memory: 90 }, { memory: 120 }, { memory: 150 }])).toEqual([
    " ",
    "MemoryPressure memory.available",
    "MemoryPressure memory.available",
    "MemoryPressure ",
  ]);
});

it("memory comes before disks", () => {
  const texts = { hard: { "nodefs.available": "10%", "memory.available": "100" } };
  expect(follow(texts, [{ memory: 1, disk: 1 }])).toEqual([
    "MemoryPressure+DiskPressure memory.available+nodefs.available",
  ]);
});
