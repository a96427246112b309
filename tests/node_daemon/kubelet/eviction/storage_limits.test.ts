import { describe, expect, it } from "vitest";
import { hasStorageLimit, storageLimitExceeded } from "../../../../node_daemon/kubelet/eviction/storage_limits.ts";
import type { PodSummary } from "../../../../node_daemon/kubelet/stats/summary_document.ts";
import { makePod, spec1 } from "../fixtures.ts";

const time = "2026-01-01T00:00:00Z";
const limited = (name: string, limit: string) => spec1(name, { resources: { limits: { "ephemeral-storage": limit } } });

/** What each container has written over its image and to its log; and the pod in all, in bytes. */
function use(all: number, containers: Readonly<Record<string, readonly [number, number]>>): PodSummary {
  const fs = (usedBytes: number) => ({ time, usedBytes });
  return {
    podRef: { name: "web", namespace: "default", uid: "uid-1" },
    "ephemeral-storage": fs(all),
    containers: Object.entries(containers).map(([name, [root, log]]) => ({
      name,
      cpu: { time },
      memory: { time },
      rootfs: fs(root),
      logs: fs(log),
    })),
  };
}

const shared = { imagesApart: false };

describe("storageLimitExceeded()", () => {
  const pod = makePod({ containers: [limited("a", "1Ki"), limited("b", "2048"), spec1("c")] });

  it("tells of the pod as a whole, volumes and all", () => {
    expect(storageLimitExceeded(pod, use(3072, {}), shared)).toBeUndefined();
    expect(storageLimitExceeded(pod, use(3073, {}), shared)).toBe(
      "Pod ephemeral local storage usage exceeds the total limit of containers 3Ki. ",
    );
  });

  it("tells of one container, whose files count where images do not lie apart", () => {
    const figures = use(0, { c: [9999, 9999], a: [1000, 25] });
    expect(storageLimitExceeded(pod, figures, shared)).toBe(
      'Container a exceeded its local ephemeral storage limit "1Ki". ',
    );
    expect(storageLimitExceeded(pod, figures, { imagesApart: true })).toBeUndefined();
  });

  it("has nothing to say of pods without a limit", () => {
    expect(hasStorageLimit(pod)).toBe(true);
    expect(hasStorageLimit(makePod())).toBe(false);
    expect(storageLimitExceeded(makePod(), use(1e12, { app: [1e12, 1e12] }), shared)).toBeUndefined();
  });
});
