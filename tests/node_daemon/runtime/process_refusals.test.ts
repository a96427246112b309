import { describe, expect, it } from "vitest";
import { refusalOf, shortcomingsOf } from "../../../node_daemon/runtime/process_refusals.ts";
import type { ContainerConfig } from "../../../node_daemon/runtime/runtime.ts";
import { containerConfig } from "../../suites/runtime_suite.ts";

const root = { uid: 0, gid: 0, groups: [0] };
const somebody = { uid: 1000, gid: 1000, groups: [1000, 27] };

describe("refusalOf()", () => {
  const user = (changes: Partial<ContainerConfig["user"]>) => ({
    user: { uid: undefined, gid: undefined, supplementalGids: [], ...changes },
  });

  it.each<readonly [string, Partial<ContainerConfig>, { readonly root?: RegExp; readonly somebody?: RegExp }]>([
    ["nothing special", {}, {}],
    ["another user", user({ uid: 65534 }), { somebody: /^runAsUser: .* cannot become 65534$/ }],
    ["root", user({ uid: 0 }), { somebody: /^runAsUser: / }],
    ["the daemon's own user and groups", user({ uid: 1000, gid: 1000, supplementalGids: [27, 1000] }), {}],
    ["another group", user({ gid: 5 }), { somebody: /^runAsGroup: / }],
    ["a further group", user({ supplementalGids: [27, 5] }), { somebody: /fsGroup: .* group 5$/ }],
    ["all rights", { privileged: true }, { somebody: /^privileged: / }],
    ["more capabilities", { capabilities: { add: ["NET_ADMIN"], drop: [] } }, { somebody: /^capabilities.add: / }],
    ["fewer capabilities", { capabilities: { add: [], drop: ["ALL"] } }, {}],
    ["a root that is read-only", { readOnlyRootFilesystem: true }, { root: /^readOnly/, somebody: /^readOnly/ }],
    ["a seccomp profile", { seccomp: { type: "Localhost", profile: "{}" } }, { root: /seccomp/, somebody: /seccomp/ }],
  ])("says of a container with %s whether it can be run", (_what, changes, refusals) => {
    for (const [owner, expected] of [
      [root, refusals.root],
      [somebody, refusals.somebody],
    ] as const) {
      const refusal = refusalOf(containerConfig("", changes), owner);
      if (expected === undefined) expect(refusal).toBeUndefined();
      else expect(refusal).toMatch(expected);
    }
  });
});

describe("shortcomingsOf()", () => {
  const limits = { milliCpuRequest: 10, milliCpuLimit: 100, memoryBytesLimit: 1_000_000 };

  it("tells of limits that nothing enforces, and of nothing else", () => {
    const told = shortcomingsOf(containerConfig("", { limits }), { limits: false });
    expect(told).toEqual([expect.stringContaining("limits of cpu and memory do not hold")]);
    expect(shortcomingsOf(containerConfig("", { limits }), { limits: true })).toEqual([]);
    expect(shortcomingsOf(containerConfig(""), { limits: false })).toEqual([]);
  });
});
