import { describe, expect, it } from "vitest";
import { defaultHard, parseThresholds, thresholdsMet } from "../../../../node_daemon/kubelet/eviction/thresholds.ts";

describe("parseThresholds()", () => {
  it("reads Kubernetes' defaults", () => {
    expect(parseThresholds({ hard: defaultHard.node }).map(({ signal, value }) => ({ signal, value }))).toEqual([
      { signal: "memory.available", value: { amount: 104_857_600 } },
      { signal: "nodefs.available", value: { share: 0.1 } },
      { signal: "nodefs.inodesFree", value: { share: 0.05 } },
      { signal: "imagefs.available", value: { share: 0.15 } },
      { signal: "imagefs.inodesFree", value: { share: 0.05 } },
    ]);
  });

  it("leaves out what is switched off", () => {
    expect(parseThresholds({ hard: { "nodefs.available": "0%", "imagefs.available": "100%" } })).toEqual([]);
  });

  it("gives soft thresholds their grace period, and what has to be freed at least", () => {
    const texts = {
      hard: {},
      soft: { "memory.available": "1Gi" },
      softGracePeriod: { "memory.available": "1m30s" },
      minimumReclaim: { "memory.available": "0" },
    };
    expect(parseThresholds(texts)).toEqual([
      { signal: "memory.available", value: { amount: 2 ** 30 }, gracePeriodMs: 90_000, minimumReclaim: { amount: 0 } },
    ]);
  });

  it.each([
    [{ hard: { "memory.free": "1Gi" } }, "unsupported eviction signal memory.free"],
    [{ hard: { __proto__x: "1Gi" } }, "unsupported eviction signal __proto__x"],
    [{ hard: { constructor: "1Gi" } }, "unsupported eviction signal constructor"],
    [{ hard: { "memory.available": "0" } }, "eviction threshold memory.available must be positive: 0"],
    [
      { hard: { "nodefs.available": "101%" } },
      "eviction percentage threshold nodefs.available must be between 0% and 100%: 101%",
    ],
    [
      { hard: {}, soft: { "memory.available": "1Gi" } },
      "grace period must be specified for the soft eviction threshold memory.available",
    ],
  ])("refuses %j", (texts, message) => {
    expect(() => parseThresholds(texts as Parameters<typeof parseThresholds>[0])).toThrow(new SyntaxError(message));
  });
});

it("thresholdsMet() goes by shares of what there is, and by what is not observed not at all", () => {
  const thresholds = parseThresholds({ hard: defaultHard.node });
  const observations = new Map([
    ["memory.available", { available: 2 ** 30, capacity: 2 ** 33 }],
    ["nodefs.available", { available: 99, capacity: 1000 }],
    ["nodefs.inodesFree", { available: 50, capacity: 1000 }],
  ] as const);
  expect(thresholdsMet(thresholds, observations).map(({ signal }) => signal)).toEqual(["nodefs.available"]);
});
