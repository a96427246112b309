import { describe, expect, it } from "vitest";
import type { Flag } from "../../core/flags/flag.ts";
import { nodeFlags } from "../../core/flags/node_flags.ts";
import { carePolicy, logLimits } from "../../node_daemon/care_flags.ts";
import { parsePairs } from "../../node_daemon/flags.ts";
import type { NodeFlagValues } from "../../node_daemon/main.ts";

const preset = Object.fromEntries(
  Object.entries<Flag>(nodeFlags).map(([name, { type, default: value }]) => [
    name,
    value ?? (type === "list" ? [] : undefined),
  ]),
) as unknown as NodeFlagValues;

describe("carePolicy()", () => {
  it("is Kubernetes' when no flag says otherwise", () => {
    const { eviction, imageGc } = carePolicy(preset);
    expect(eviction?.thresholds.map(({ signal }) => signal)).toEqual([
      "memory.available",
      "nodefs.available",
      "nodefs.inodesFree",
      "imagefs.available",
      "imagefs.inodesFree",
    ]);
    expect(eviction).toMatchObject({ transitionPeriodMs: 300_000, maxPodGraceSeconds: 0 });
    expect(imageGc).toEqual({
      highThresholdPercent: 85,
      lowThresholdPercent: 80,
      minimumAgeMs: 120_000,
      maximumAgeMs: 0,
    });
  });

  it("reads what is reserved and how long images may be unused", () => {
    const { reserved, imageGc } = carePolicy({
      ...preset,
      "kube-reserved": ["cpu=200m,memory=500Mi"],
      "system-reserved": ["ephemeral-storage=1Gi", "pid=1000"],
      "image-maximum-gc-age": "24h",
    });
    const system = { "ephemeral-storage": "1Gi", pid: "1000" };
    expect(reserved).toEqual({ kube: { cpu: "200m", memory: "500Mi" }, system });
    expect(imageGc).toMatchObject({ minimumAgeMs: 120_000, maximumAgeMs: 86_400_000 });
  });

  it("keeps pods together to what they may have, unless it is told not to", () => {
    const enforces = (...words: readonly string[]) =>
      carePolicy({ ...preset, "enforce-node-allocatable": words }).enforcesAllocatable;
    expect([enforces(), enforces("pods"), enforces("none"), enforces("")]).toEqual([true, true, false, true]);
  });

  it.each([
    [
      "enforce-node-allocatable",
      ["pods,kube-reserved"],
      "Cannot use --enforce-node-allocatable kube-reserved: use pods or none",
    ],
    ["enforce-node-allocatable", ["pods", "none"], /^Cannot use --enforce-node-allocatable none: /],
    ["kube-reserved", ["pods=5"], 'cannot reserve "pods" resource'],
    ["kube-reserved", ["__proto__=5"], 'cannot reserve "__proto__" resource'],
    ["system-reserved", ["cpu=-1"], 'resource quantity for "cpu" cannot be negative: -1'],
    ["system-reserved", ["cpu=much"], /^failed to parse quantity "much" for "cpu" resource: /],
    [
      "image-maximum-gc-age",
      "1m",
      "Cannot use --image-maximum-gc-age 1m: it must be greater than --minimum-image-ttl-duration 2m",
    ],
  ])("refuses --%s %s", (name, value, problem) => {
    expect(() => carePolicy({ ...preset, [name]: value })).toThrow(problem);
  });

  it("reads thresholds as the kubelet's flags are written", () => {
    const { eviction } = carePolicy({
      ...preset,
      "eviction-hard": ["memory.available<200Mi,pid.available<5%"],
      "eviction-soft": ["memory.available<1Gi"],
      "eviction-soft-grace-period": ["memory.available=1m30s"],
      "eviction-minimum-reclaim": ["memory.available=100Mi"],
    });
    const minimumReclaim = { amount: 100 * 2 ** 20 };
    expect(eviction?.thresholds).toEqual([
      { signal: "memory.available", value: { amount: 200 * 2 ** 20 }, gracePeriodMs: 0, minimumReclaim },
      { signal: "pid.available", value: { share: 0.05 }, gracePeriodMs: 0, minimumReclaim: undefined },
      { signal: "memory.available", value: { amount: 2 ** 30 }, gracePeriodMs: 90_000, minimumReclaim },
    ]);
  });

  it.each([
    [{ "eviction-hard": ["memory.available"] }, 'Cannot read "memory.available": use name<value'],
    [{ "eviction-hard": ["__proto__<1"] }, "unsupported eviction signal __proto__"],
    [{ "image-gc-high-threshold": 101 }, "Cannot use --image-gc-high-threshold 101: it must be between 0 and 100"],
    [
      { "image-gc-high-threshold": 50 },
      "Cannot use --image-gc-low-threshold 80: it can not be higher than --image-gc-high-threshold 50",
    ],
    [{ "minimum-image-ttl-duration": "soon" }, 'invalid duration "soon": use e.g. 90s, 1m30s or 500ms'],
  ])("refuses %j", (flags, message) => {
    expect(() => carePolicy({ ...preset, ...flags } as NodeFlagValues)).toThrow(new SyntaxError(message));
  });
});

describe("logLimits()", () => {
  it("is Kubernetes' when no flag says otherwise", () => {
    expect(logLimits(preset)).toEqual({ fileBytes: 10 * 2 ** 20, files: 5 });
    expect(logLimits({ ...preset, "container-log-max-size": "100Ki", "container-log-max-files": 2 })).toEqual({
      fileBytes: 102_400,
      files: 2,
    });
  });

  it.each([
    ["container-log-max-size", "0", "Cannot use --container-log-max-size 0: it must be a quantity above 0"],
    ["container-log-max-size", "-1Mi", "Cannot use --container-log-max-size -1Mi: it must be a quantity above 0"],
    ["container-log-max-size", "much", "Cannot use --container-log-max-size much: it must be a quantity above 0"],
    ["container-log-max-files", 1, "Cannot use --container-log-max-files 1: it must be greater than 1"],
  ])("refuses --%s %s", (name, value, problem) => {
    expect(() => logLimits({ ...preset, [name]: value })).toThrow(problem);
  });
});

it("parsePairs() keeps names that are members of every object harmless", () => {
  expect(Object.entries(parsePairs(["__proto__=1, constructor=2"], "="))).toEqual([
    ["__proto__", "1"],
    ["constructor", "2"],
  ]);
});
