import { describe, expect, it } from "vitest";
import { masterFlags, parseFlags } from "../../master_daemon/flags.ts";

describe("parseFlags()", () => {
  it("reads values behind a space or an equals sign", () => {
    const options = parseFlags([
      ...["--data-dir", "/d", "--secure-port=0", "--bind-address", "0.0.0.0", "--token-auth-file=/t"],
      ...["--node-monitor-grace-period=1m30s", "--event-ttl", "500ms", "--tls-san=a,b", "--tls-san", "c", "--watch-cache"],
    ]);
    expect(options).toMatchObject({
      dataDir: "/d",
      tokenAuthFile: "/t",
      listen: { host: "0.0.0.0", port: 0, subjectAltNames: ["a", "b", "c"] },
      controllers: { nodeMonitorGracePeriodMs: 90_000, eventTtlMs: 500 },
    });
  });

  it("fills in defaults", () => {
    expect(parseFlags([])).toMatchObject({
      dataDir: undefined,
      authorizationMode: "AlwaysAllow",
      serviceClusterIpRange: "10.96.0.0/16",
      serviceNodePortRange: "30000-32767",
      listen: { host: "127.0.0.1", port: 6443 },
      controllers: { nodeMonitorGracePeriodMs: 50_000, terminatedPodGcThreshold: 12_500 },
    });
  });

  it.each([
    [["--dat-dir", "x"], "unknown flag: --dat-dir (did you mean --data-dir?)"],
    [["--constructor", "x"], "unknown flag: --constructor"],
    [["--secure-port"], "flag needs an argument: --secure-port"],
    [["--secure-port=x"], 'invalid argument "x" for --secure-port: it must be a number without fraction'],
    [["--event-ttl=5"], 'invalid argument "5" for --event-ttl: it must be a duration such as 40s or 1m30s'],
    [["serve"], 'unknown argument "serve": flags begin with --'],
    [["--etcd-servers=http://x"], "--etcd-servers is not available yet: leave it out, objects are then kept under --data-dir"],
  ])("refuses %j", (argv, message) => {
    expect(() => parseFlags(argv)).toThrow(message);
  });

  it("masterFlags have unique names, and descriptions that are sentences", () => {
    expect(new Set(masterFlags.map(({ name }) => name)).size).toBe(masterFlags.length);
    for (const { description } of masterFlags) expect(description).toMatch(/^[A-Z].*\.$/);
  });
});
