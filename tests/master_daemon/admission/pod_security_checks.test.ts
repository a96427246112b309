import { describe, expect, it } from "vitest";
import type { JsonObject, ObjectMeta } from "../../../core/api/meta.ts";
import type { PodSpec } from "../../../core/kinds/pod.ts";
import {
  evaluate,
  type LevelVersion,
  noPolicy,
  policyOf,
  violationsText,
} from "../../../master_daemon/admission/pod_security/policy.ts";

const baseline: LevelVersion = { level: "baseline", version: "latest" };
const restricted: LevelVersion = { level: "restricted", version: "latest" };

/** What is wrong with a pod, in one line; empty when nothing is. */
function judged(level: LevelVersion, spec: JsonObject, metadata: ObjectMeta = {}): string {
  return violationsText(evaluate(level, { metadata, spec: spec as unknown as PodSpec }));
}

/** A pod of one container with a security context, and whatever else. */
function podWith(securityContext: JsonObject, rest: JsonObject = {}): JsonObject {
  return { containers: [{ name: "a", securityContext }], ...rest };
}

const hardened: JsonObject = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

describe("the level baseline", () => {
  const cases: readonly (readonly [string, JsonObject, string])[] = [
    ["an ordinary pod", podWith({}), ""],
    [
      "privileged containers",
      { initContainers: [{ name: "i", securityContext: { privileged: true } }], ...podWith({ privileged: true }) },
      'privileged (containers "i", "a" must not set securityContext.privileged=true)',
    ],
    [
      "host namespaces",
      podWith({}, { hostNetwork: true, hostPID: true, hostIPC: false }),
      "host namespaces (hostNetwork=true, hostPID=true)",
    ],
    ["host paths", podWith({}, { volumes: [{ name: "v", hostPath: { path: "/" } }] }), 'hostPath volumes (volume "v")'],
    [
      "host ports",
      {
        containers: [
          { name: "a", ports: [{ containerPort: 1, hostPort: 80 }] },
          { name: "b", ports: [{ containerPort: 1, hostPort: 443 }, { containerPort: 2 }] },
        ],
      },
      'hostPort (containers "a", "b" use hostPorts 443, 80)',
    ],
    [
      "capabilities that are not among the default ones",
      podWith({ capabilities: { add: ["NET_ADMIN", "CHOWN", "BPF"] } }),
      'non-default capabilities (container "a" must not include "BPF", "NET_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      "an unmasked /proc",
      podWith({ procMount: "Unmasked" }),
      'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    ],
    [
      "SELinux options",
      podWith({ seLinuxOptions: { type: "spc_t" } }, { securityContext: { seLinuxOptions: { user: "u", role: "r" } } }),
      'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    ],
    [
      "an unconfined seccomp profile",
      podWith({ seccompProfile: { type: "Unconfined" } }),
      'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      "sysctls that reach beyond the pod",
      podWith({}, { securityContext: { sysctls: [{ name: "kernel.msgmax" }, { name: "net.ipv4.tcp_rmem" }] } }),
      "forbidden sysctls (kernel.msgmax)",
    ],
    [
      "processes of the Windows host",
      podWith(
        { windowsOptions: { hostProcess: true } },
        { securityContext: { windowsOptions: { hostProcess: true } } },
      ),
      'hostProcess (pod and container "a" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
    [
      "an unconfined AppArmor profile",
      podWith({ appArmorProfile: { type: "Unconfined" } }),
      'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      "probes of other hosts",
      { containers: [{ name: "a", livenessProbe: { httpGet: { host: "10.0.0.1", port: 1 } } }] },
      'probe or lifecycle host (container "a" uses probe or lifecycle host "10.0.0.1")',
    ],
  ];
  it.each(cases)("judges %s", (_what, spec, expected) => {
    expect(judged(baseline, spec)).toBe(expected);
  });

  it("judges annotations of AppArmor, and of seccomp as long as these counted", () => {
    const annotations = {
      "container.apparmor.security.beta.kubernetes.io/a": "unconfined",
      "container.seccomp.security.alpha.kubernetes.io/a": "unconfined",
    };
    expect(judged(baseline, podWith({}), { annotations })).toBe(
      'forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
    );
    expect(judged({ level: "baseline", version: 18 }, podWith({}), { annotations })).toContain(
      'seccompProfile (forbidden annotation container.seccomp.security.alpha.kubernetes.io/a="unconfined")',
    );
  });

  it("has nothing against an unmasked /proc in a user namespace since 1.35", () => {
    const spec = podWith({ procMount: "Unmasked" }, { hostUsers: false });
    expect(judged(baseline, spec)).toBe("");
    expect(judged({ ...baseline, version: 34 }, spec)).toContain("procMount");
  });
});

describe("the level restricted", () => {
  it("says of a pod that says nothing what Kubernetes says", () => {
    expect(judged(restricted, { containers: [{ name: "nginx" }] })).toBe(
      'allowPrivilegeEscalation != false (container "nginx" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "nginx" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "nginx" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "nginx" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
  });

  const cases: readonly (readonly [string, JsonObject, string])[] = [
    ["a hardened pod", podWith(hardened), ""],
    [
      "a pod that is hardened as a whole",
      podWith(
        { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } },
        { securityContext: { runAsNonRoot: true, seccompProfile: { type: "Localhost" } } },
      ),
      "",
    ],
    [
      "capabilities that are added",
      podWith({ ...hardened, capabilities: { drop: ["ALL"], add: ["CHOWN"] } }),
      'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      "root by name and by number",
      podWith({ ...hardened, runAsNonRoot: false, runAsUser: 0 }, { securityContext: { runAsUser: 0 } }),
      'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false), ' +
        'runAsUser=0 (pod and container "a" must not set runAsUser=0)',
    ],
    [
      "volumes that reach the host or old drivers",
      podWith(hardened, {
        volumes: [
          { name: "h", hostPath: { path: "/" } },
          { name: "n", nfs: { server: "s", path: "/" } },
          { name: "e", emptyDir: {} },
        ],
      }),
      'restricted volume types (volumes "h", "n" use restricted volume types "hostPath", "nfs")',
    ],
    [
      "an unconfined seccomp profile",
      podWith({ ...hardened, seccompProfile: { type: "Unconfined" } }),
      'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
  ];
  it.each(cases)("judges %s", (_what, spec, expected) => {
    expect(judged(restricted, spec)).toBe(expected);
  });

  it("asks less of what runs on Windows, and of older versions", () => {
    expect(judged(restricted, { os: { name: "windows" }, containers: [{ name: "a" }] })).toBe(
      'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
    );
    expect(judged({ level: "restricted", version: 7 }, podWith({ runAsNonRoot: true, runAsUser: 0 }))).toBe("");
  });
});

describe("policyOf()", () => {
  it("warns of what is enforced, unless told otherwise", () => {
    const { policy } = policyOf({ "pod-security.kubernetes.io/enforce": "baseline" }, noPolicy);
    expect(policy).toEqual({ ...noPolicy, enforce: baseline, warn: baseline });
    const labels = {
      "pod-security.kubernetes.io/enforce": "baseline",
      "pod-security.kubernetes.io/warn": "privileged",
    };
    expect(policyOf(labels, noPolicy).policy.warn.level).toBe("privileged");
  });

  it("takes what it cannot read for the strictest where it is enforced, and says so", () => {
    const { policy, errors } = policyOf(
      { "pod-security.kubernetes.io/enforce": "none", "pod-security.kubernetes.io/warn-version": "1.30" },
      noPolicy,
    );
    expect(policy).toEqual({ ...noPolicy, enforce: restricted });
    expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "none": must be one of privileged, baseline, restricted',
      'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"',
    ]);
  });
});
