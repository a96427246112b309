import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { enforceAllocatable } from "../../../node_daemon/kubelet/enforce_allocatable.ts";
import { openPodGroups } from "../../../node_daemon/runtime/docker_pod_groups.ts";
import type { ContainerLimits, ContainerRuntime } from "../../../node_daemon/runtime/runtime.ts";

function enforce(limitPods?: NonNullable<ContainerRuntime["limitPods"]>) {
  const clock = new FakeClock();
  const told: string[] = [];
  const ended = enforceAllocatable({
    runtime: { name: "test", ...(limitPods ? { limitPods } : {}) },
    amounts: { cpu: "1500m", memory: "1Gi" },
    onNews: ({ type, reason, message }) => void told.push(`${type} ${reason}: ${message}`),
    clock,
    log: silentLogger,
    signal: new AbortController().signal,
  });
  return { clock, told, ended };
}

const enforced = "Normal NodeAllocatableEnforced: Updated Node Allocatable limit across pods";
const failed = "Warning FailedNodeAllocatableEnforcement: Failed to update Node Allocatable Limits:";

describe("enforceAllocatable()", () => {
  it("limits pods to what they may have and tells of it", async () => {
    const limits: ContainerLimits[] = [];
    const { told, ended } = enforce(async (given) => {
      limits.push(given);
      return undefined;
    });
    await ended;
    expect(limits).toEqual([{ milliCpuRequest: 1500, milliCpuLimit: undefined, memoryBytesLimit: 1024 ** 3 }]);
    expect(told).toEqual([enforced]);
  });

  it("tries again after a minute when the kernel refuses", async () => {
    let isBusy = true;
    const { clock, told, ended } = enforce(async () => {
      if (isBusy) throw new Error("EBUSY: resource busy or locked, write");
      return undefined;
    });
    await expect.poll(() => told).toEqual([`${failed} EBUSY: resource busy or locked, write`]);
    isBusy = false;
    await clock.advance(60_000);
    await ended;
    expect(told).toEqual([`${failed} EBUSY: resource busy or locked, write`, enforced]);
  });

  it("tells once why it cannot be, as when others have the engine's cgroups", async () => {
    const { told, ended } = enforce(async () => {
      const groups = await openPodGroups("/nowhere", { driver: "none", runningId: "c1" });
      return typeof groups === "string" ? groups : undefined;
    });
    await ended;
    expect(told).toEqual([`${failed} the cgroups of the container engine are not known: its driver is none`]);
  });

  it("tells nothing where a runtime has no way", async () => {
    const { told, ended } = enforce();
    await ended;
    expect(told).toEqual([]);
  });
});
