import { describe, expect, it } from "vitest";
import { startNews } from "../../../node_daemon/kubelet/start_news.ts";

const machine = { operatingSystem: "linux", kernelVersion: "6.12.9-amd64", swapBytes: 0 };
const facts = { machine, resolver: undefined, domain: "cluster.local" };
const starting = "Normal Starting: Starting kubelet.";
const told = (rest: Partial<Parameters<typeof startNews>[0]>) =>
  startNews({ ...facts, ...rest }).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
const searching = (searches: readonly string[]) => ({
  resolver: { path: "/etc/resolv.conf", config: { nameservers: [], searches, options: [] } },
});
const names = (count: number) => Array.from({ length: count }, (_, at) => `s${at}`);

describe("startNews()", () => {
  it("tells of the start, and of nothing else on a machine that is as it should be", () => {
    expect(told({})).toEqual([starting]);
    expect(told(searching(names(29)))).toEqual([starting]);
  });

  it.each([
    ["6.12.9-amd64", false],
    ["6.4.0", false],
    ["7.0", false],
    ["6.3.13-1", true],
    ["5.15.0", true],
    ["", true],
  ])("with swap on Linux %j warns of what is kept in memory: %j", (kernelVersion, isWarning) => {
    const warning =
      "Warning PossibleMemoryBackedVolumesOnDisk: The tmpfs noswap option is not supported. Memory-backed volumes (e.g. secrets, emptyDirs, etc.) might be swapped to disk and should no longer be considered secure.";
    expect(told({ machine: { ...machine, kernelVersion } })).toEqual([starting]);
    const swapping = { ...machine, kernelVersion, swapBytes: 1024 };
    expect(told({ machine: swapping })).toEqual(isWarning ? [starting, warning] : [starting]);
  });

  it.each([
    ["more names", names(30), "contains search line consisting of more than 29 domains!"],
    [
      "a longer line",
      names(9).map((name) => name + "x".repeat(240)),
      "contains search line which length is more than allowed 2048 chars!",
    ],
  ])("warns of a resolv.conf with %s than fit beside the cluster's", (_, searches, what) => {
    const warning = `Warning CheckLimitsForResolvConf: Resolv.conf file '/etc/resolv.conf' ${what}`;
    expect(told(searching(searches))).toEqual([starting, warning]);
  });

  it("warns of a resolv.conf with a name that is none, and counts only what pods get", () => {
    expect(told(searching(["x".repeat(254)]))).toEqual([
      starting,
      'Warning CheckLimitsForResolvConf: Resolv.conf file "/etc/resolv.conf" contains a search path which length is more than allowed 253 chars!',
    ]);
    expect(told({ ...searching(names(32)), domain: "" })).toEqual([starting]);
    expect(told({ ...searching(names(33)), domain: "" })).toHaveLength(2);
  });
});
