import { describe, expect, it } from "vitest";
import type { Flag, FlagValues } from "../../core/flags/flag.ts";
import { type MasterFlags, masterFlags } from "../../core/flags/master_flags.ts";
import { masterOptions } from "../../master_daemon/flags.ts";

/** The values of a command line on which only `given` stands. */
function values(given: Partial<FlagValues<MasterFlags>> = {}): FlagValues<MasterFlags> {
  const defaults = Object.entries<Flag>(masterFlags).map(([name, flag]) => [
    name,
    flag.default ?? (flag.type === "list" ? [] : flag.type === "boolean" ? false : undefined),
  ]);
  return { ...Object.fromEntries(defaults), ...given };
}

describe("masterOptions()", () => {
  it("has the defaults of Kubernetes' daemons", () => {
    expect(masterOptions(values())).toMatchObject({
      dataDir: expect.stringMatching(/wherry\/master$/),
      authorization: { modes: undefined, configFile: undefined, webhook: undefined },
      // Chosen by the bind address, by the master.
      serviceClusterIpRange: undefined,
      serviceNodePortRange: "30000-32767",
      listen: { host: "127.0.0.1", port: 6443, subjectAltNames: [] },
      controllers: { nodeMonitorGracePeriodMs: 50_000, terminatedPodGcThreshold: 12_500, eventTtlMs: 3_600_000 },
    });
  });

  it("reads durations, and lists whose words are separated by commas too", () => {
    const options = masterOptions(values({ "node-monitor-grace-period": "1m30s", "tls-san": ["a,b", "c"] }));
    expect(options.controllers?.nodeMonitorGracePeriodMs).toBe(90_000);
    expect(options.resourceQuota?.syncPeriodMs).toBe(300_000);
    expect(options.listen?.subjectAltNames).toEqual(["a", "b", "c"]);
  });

  it("keeps objects in etcd when it is told of servers, with leases that leave time to take over within 15 seconds", () => {
    const options = masterOptions(values({ "etcd-servers": ["http://a:2379,http://b:2379"], "etcd-cafile": "ca.crt" }));
    expect(options).toMatchObject({
      store: "etcd:http://a:2379,http://b:2379",
      etcd: { caFile: "ca.crt", prefix: "/wherry" },
      leaderElection: { leaseDurationMs: 12_000, renewDeadlineMs: 8_000, retryPeriodMs: 2_000 },
    });
    expect(masterOptions(values({ "leader-elect": false })).leaderElection).toBe(false);
  });

  it("refuses what it cannot do, naming the flag", () => {
    expect(() => masterOptions(values({ "etcd-servers": ["http://x"], store: "memory:" }))).toThrow(
      "--store and --etcd-servers both say where objects are kept",
    );
    expect(() => masterOptions(values({ "event-ttl": "5 minutes" }))).toThrow("--event-ttl");
  });
});
