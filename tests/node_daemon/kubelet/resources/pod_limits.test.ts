import { describe, expect, it } from "vitest";
import type { PodSpec } from "../../../../core/kinds/pod.ts";
import { limitsTogether } from "../../../../node_daemon/kubelet/resources/pod_limits.ts";
import { memoryVolumeBytes } from "../../../../node_daemon/kubelet/volumes/empty_dir.ts";
import { makePod, spec1 } from "../fixtures.ts";

const mebibyte = 1024 * 1024;
const limited = (name: string, limits: Record<string, string>, more: object = {}) =>
  spec1(name, { resources: { requests: { cpu: "100m" }, limits }, ...more });

describe("limitsTogether()", () => {
  it.each<[string, Partial<PodSpec>, object]>([
    [
      "nothing",
      { containers: [spec1("a")] },
      { milliCpuRequest: 0, milliCpuLimit: undefined, memoryBytesLimit: undefined },
    ],
    [
      "the sum, where every container says",
      { containers: [limited("a", { cpu: "1", memory: "1Mi" }), limited("b", { memory: "2Mi" })] },
      { milliCpuRequest: 200, milliCpuLimit: undefined, memoryBytesLimit: 3 * mebibyte },
    ],
    [
      "what an init container takes, with the sidecars before it",
      {
        initContainers: [
          limited("side", { memory: "4Mi" }, { restartPolicy: "Always" }),
          limited("i", { memory: "9Mi" }),
        ],
        containers: [limited("a", { memory: "1Mi" })],
      },
      { milliCpuRequest: 200, milliCpuLimit: undefined, memoryBytesLimit: 13 * mebibyte },
    ],
    [
      "what the pod says as a whole",
      { containers: [limited("a", { memory: "1Mi" }), spec1("b")], resources: { limits: { cpu: "2", memory: "8Mi" } } },
      { milliCpuRequest: 100, milliCpuLimit: 2000, memoryBytesLimit: 8 * mebibyte },
    ],
  ])("is %s", (_, spec, wanted) => {
    expect(limitsTogether(makePod(spec))).toEqual(wanted);
  });
});

describe("memoryVolumeBytes()", () => {
  const allocatable = { memory: "64Mi" };
  it.each<[string, string | undefined, Partial<PodSpec>, number]>([
    ["all that pods may have", undefined, {}, 64],
    ["what the volume says", "8Mi", {}, 8],
    ["no more than pods may have", "1Gi", {}, 64],
    ["what the containers may use", "8Mi", { containers: [limited("a", { memory: "4Mi" })] }, 4],
    ["what the volume says, where it is less", "2Mi", { containers: [limited("a", { memory: "4Mi" })] }, 2],
    [
      "not limited by containers of which one is not",
      undefined,
      { containers: [limited("a", { memory: "4Mi" }), spec1("b")] },
      64,
    ],
    ["not limited by 0", "0", {}, 64],
  ])("is %s", (_, sizeLimit, spec, wanted) => {
    const emptyDir = { medium: "Memory", ...(sizeLimit === undefined ? {} : { sizeLimit }) };
    expect(memoryVolumeBytes(makePod(spec), { name: "v", emptyDir }, allocatable)).toBe(wanted * mebibyte);
  });
});
