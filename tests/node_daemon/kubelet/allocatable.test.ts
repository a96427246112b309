import { describe, expect, it } from "vitest";
import { nodeAllocatable, nothingReserved } from "../../../node_daemon/kubelet/allocatable.ts";
import { parseThresholds } from "../../../node_daemon/kubelet/eviction/thresholds.ts";

const capacity = { cpu: "4", memory: "8Gi", "ephemeral-storage": "100Gi", pods: "110" };

describe("nodeAllocatable()", () => {
  it("is the capacity, where nothing is kept from pods", () => {
    expect(nodeAllocatable(capacity, { reserved: nothingReserved, thresholds: [] })).toEqual(capacity);
  });

  it("is without what is reserved, and without what is left where pods are ended at once", () => {
    const reserved = {
      kube: { cpu: "200m", memory: "500Mi", pid: "1000" },
      system: { cpu: "300m", "ephemeral-storage": "5Gi" },
    };
    const thresholds = parseThresholds({
      hard: {
        "memory.available": "100Mi",
        "nodefs.available": "10%",
        "imagefs.available": "15%",
        "pid.available": "5%",
      },
      soft: { "memory.available": "1Gi" },
      softGracePeriod: { "memory.available": "1m" },
    });
    expect(nodeAllocatable(capacity, { reserved, thresholds })).toEqual({
      cpu: "3500m",
      memory: "7592Mi",
      "ephemeral-storage": "85Gi",
      pods: "110",
    });
  });

  it("refuses to reserve more than there is", () => {
    const reserved = { kube: { cpu: "3" }, system: { cpu: "1500m" } };
    expect(() => nodeAllocatable(capacity, { reserved, thresholds: [] })).toThrow(
      'invalid Node Allocatable configuration. Resource "cpu" has a reservation of 4500m but capacity of 4. Expected capacity >= reservation.',
    );
  });
});
