import { describe, expect, it } from "vitest";
import { dnsSubdomainError } from "../../../core/api/kind.ts";
import type { JsonObject } from "../../../core/api/meta.ts";
import { type Pod, type PodSpec, pod } from "../../../core/kinds/mod.ts";
import { errorsOf, nginx, podOf, podWith } from "./fixtures.ts";

const spec = (value: JsonObject) => value as unknown as Partial<PodSpec>;
const main = { name: "nginx", image: "nginx:1.27" };
const claimSpec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const refused = "spec.securityContext";

describe("a pod names the field, when it has", () => {
  it.each<[string, JsonObject, readonly string[]]>([
    [
      "no DNS configuration where it must",
      { dnsPolicy: "None" },
      ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
    ],
    [
      "broken DNS configuration",
      {
        dnsConfig: { nameservers: ["a", "1.1.1.1", "2.2.2.2", "3.3.3.3"], searches: ["-"], options: [{ value: "1" }] },
      },
      [
        'spec.dnsConfig.nameservers: Invalid value: ["a","1.1.1.1","2.2.2.2","3.3.3.3"]: must not have more than 3 nameservers',
        'spec.dnsConfig.nameservers[0]: Invalid value: "a": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        "spec.dnsConfig.searches[0]: Invalid value: \"-\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')",
        "spec.dnsConfig.options[0]: Required value: must not be empty",
      ],
    ],
    [
      "sysctls of no name, twice, of the node",
      {
        hostNetwork: true,
        securityContext: {
          sysctls: [
            { name: "", value: "1" },
            { name: "kernel.a", value: "1" },
            { name: "kernel/a", value: "1" },
            { name: "net.b", value: "1" },
          ],
        },
      },
      [
        `${refused}.sysctls[0].name: Required value`,
        `${refused}.sysctls[2].name: Duplicate value: "kernel/a"`,
        `${refused}.sysctls[3].name: Invalid value: "net.b": may not be specified when 'hostNetwork' is true`,
      ],
    ],
    [
      "policies that nobody knows",
      { securityContext: { fsGroupChangePolicy: "Never", supplementalGroupsPolicy: "All" } },
      [
        `${refused}.fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always", "OnRootMismatch"`,
        `${refused}.supplementalGroupsPolicy: Unsupported value: "All": supported values: "Merge", "Strict"`,
      ],
    ],
    [
      "profiles without their files",
      {
        securityContext: {
          seccompProfile: { type: "Localhost" },
          appArmorProfile: { type: "RuntimeDefault", localhostProfile: "x" },
        },
      },
      [
        `${refused}.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost`,
        `${refused}.appArmorProfile.localhostProfile: Invalid value: "x": can only be set when AppArmor type is Localhost`,
      ],
    ],
    [
      "neighbours nowhere",
      {
        affinity: {
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{}] },
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 101, podAffinityTerm: { topologyKey: "a", namespaces: ["B"] } },
            ],
          },
        },
      },
      [
        "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty",
        expect.stringContaining('[0].topologyKey: Invalid value: "": name part must be non-empty') as unknown as string,
        expect.stringContaining('[0].topologyKey: Invalid value: "": name part must consist of') as unknown as string,
        "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100",
        expect.stringContaining(
          'podAffinityTerm.namespace: Invalid value: "B": a lowercase RFC 1123 label',
        ) as unknown as string,
      ],
    ],
    [
      "spread over the same twice",
      {
        topologySpreadConstraints: [
          { maxSkew: 0, topologyKey: "zone", whenUnsatisfiable: "ScheduleAnyway", minDomains: 1 },
          { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "ScheduleAnyway", matchLabelKeys: ["a"] },
        ],
      },
      [
        "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, ScheduleAnyway}"',
        "spec.topologySpreadConstraints[0].minDomains: Invalid value: 1: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
        "spec.topologySpreadConstraints[1].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
      ],
    ],
    [
      "another system",
      { os: { name: "plan9" } },
      ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"'],
    ],
    ["no system", { os: { name: "" } }, ["spec.os.name: Required value: cannot be empty"]],
    [
      "what only Windows has, on Linux",
      { os: { name: "linux" }, securityContext: { windowsOptions: { runAsUserName: "bob" } } },
      ["spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod"],
    ],
    [
      "what only Linux has, on Windows",
      {
        os: { name: "windows" },
        hostPID: true,
        securityContext: { runAsUser: 1, sysctls: [] },
        containers: [{ ...main, securityContext: { privileged: false } }],
      },
      [
        "spec.hostPID: Forbidden: cannot be set for a windows pod",
        "spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod",
        "spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod",
      ],
    ],
    [
      "one container of two that is a process of a Windows node",
      {
        containers: [
          { ...main, securityContext: { windowsOptions: { hostProcess: true } } },
          { ...main, name: "b" },
        ],
      },
      [
        'spec: Invalid value: "": If pod contains any hostProcess containers then all containers must be HostProcess containers',
        "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers",
      ],
    ],
    [
      "users on Windows that cannot be",
      {
        securityContext: {
          windowsOptions: { gmsaCredentialSpec: "", gmsaCredentialSpecName: "A", runAsUserName: "a/b\\.." },
        },
      },
      [
        `${refused}.windowsOptions.gmsaCredentialSpecName: Invalid value: "A": ${dnsSubdomainError("A")}`,
        `${refused}.windowsOptions.gmsaCredentialSpec: Invalid value: "": gmsaCredentialSpec cannot be an empty string`,
        `${refused}.windowsOptions.runAsUserName: Invalid value: "a/b\\\\..": runAsUserName's Domain doesn't match the NetBios nor the DNS format`,
        `${refused}.windowsOptions.runAsUserName: Invalid value: "a/b\\\\..": runAsUserName's User cannot contain only periods or spaces`,
      ],
    ],
    [
      "users of its own on the host's network",
      { hostUsers: false, hostNetwork: true, hostPID: true },
      [
        "spec.hostNetwork: Forbidden: when `pod.Spec.HostUsers` is false",
        "spec.HostPID: Forbidden: when `pod.Spec.HostUsers` is false",
      ],
    ],
    [
      "a node before its gates are gone",
      { nodeName: "n", schedulingGates: [{ name: "a.b/c" }] },
      ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
    ],
    [
      "empty names where none need be",
      { runtimeClassName: "", preemptionPolicy: "", hostAliases: [{ ip: "x", hostnames: ["A"] }] },
      [
        'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        `spec.hostAliases[0].hostnames[0]: Invalid value: "A": ${dnsSubdomainError("A")}`,
        `spec.runtimeClassName: Invalid value: "": ${dnsSubdomainError("")}`,
        "spec.preemptionPolicy: Required value",
      ],
    ],
    [
      "a claim of its own that it names as well",
      {
        volumes: [
          { name: "a", ephemeral: { volumeClaimTemplate: { spec: claimSpec } } },
          { name: "b", persistentVolumeClaim: { claimName: "web-a" } },
        ],
      },
      [
        'spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "web-a": must not reference a PVC that gets created for an ephemeral volume',
      ],
    ],
    [
      "claims of devices from nowhere, from two places, and twice",
      {
        resourceClaims: [
          { name: "a" },
          { name: "a", resourceClaimName: "c", resourceClaimTemplateName: "t" },
          { name: "", resourceClaimName: "C" },
        ],
      },
      [
        'spec.resourceClaims[0]: Invalid value: {"name":"a"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
        'spec.resourceClaims[1].name: Duplicate value: "a"',
        'spec.resourceClaims[1]: Invalid value: {"name":"a","resourceClaimName":"c","resourceClaimTemplateName":"t"}: at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified',
        "spec.resourceClaims[2].name: Required value",
        `spec.resourceClaims[2].resourceClaimName: Invalid value: "C": ${dnsSubdomainError("C")}`,
      ],
    ],
    [
      "overhead that no container could have",
      { overhead: { cpu: "-1" } },
      ['spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      "a node with a name that none can have, and no weight",
      {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { preference: { matchFields: [{ key: "metadata.name", operator: "In", values: ["A"] }] } } as never,
            ],
          },
        },
      },
      [
        "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100",
        `spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchFields[0].values[0]: Invalid value: "A": ${dnsSubdomainError("A")}`,
      ],
    ],
    [
      "ephemeral containers from the beginning",
      { ephemeralContainers: [{ name: "debug", image: "busybox" }] },
      ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    ],
    [
      "volumes of every broken sort",
      {
        volumes: [
          { name: "a", nfs: { server: "", path: "x" } },
          { name: "b", emptyDir: { sizeLimit: "-1" }, hostPath: { path: "/" } },
          { name: "c", ephemeral: {} },
          { name: "d", csi: { driver: "" } },
          { name: "e", image: { reference: " a", pullPolicy: "Sometimes" } },
          { name: "f", azureDisk: { diskName: "d", diskURI: "x", kind: "Managed" } },
        ],
      },
      [
        "spec.volumes[0].nfs.server: Required value",
        'spec.volumes[0].nfs.path: Invalid value: "x": must be an absolute path',
        "spec.volumes[1].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
        "spec.volumes[1].hostPath: Forbidden: may not specify more than 1 volume type",
        "spec.volumes[2].ephemeral.volumeClaimTemplate: Required value",
        "spec.volumes[3].csi.driver: Required value",
        expect.stringContaining("spec.volumes[3].csi.driver: Invalid value") as unknown as string,
        'spec.volumes[4].image.reference: Invalid value: " a": must not have leading or trailing whitespace',
        'spec.volumes[4].image.pullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
        'spec.volumes[5].azureDisk.diskURI: Unsupported value: "x": supported values: "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"',
      ],
    ],
  ])("%s", (_, value, errors) => {
    expect(errorsOf(pod, podOf(spec(value)))).toEqual(errors);
  });

  it.each<[string, JsonObject, readonly string[]]>([
    [
      "a container that may not escalate and may do everything",
      {
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { add: ["CAP_SYS_ADMIN"] },
          procMount: "Half",
        },
      },
      [
        'securityContext.procMount: Unsupported value: "Half": supported values: "Default", "Unmasked"',
        'securityContext: Invalid value: {"allowPrivilegeEscalation":false,"capabilities":{"add":["CAP_SYS_ADMIN"]},"procMount":"Half"}: cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
      ],
    ],
    [
      "a mount that shows what it may not",
      {
        volumeMounts: [
          {
            name: "v",
            mountPath: "/a",
            subPath: "/b",
            mountPropagation: "Bidirectional",
            recursiveReadOnly: "Enabled",
          },
        ],
      },
      [
        'volumeMounts.subPath: Invalid value: "/b": must be a relative path',
        "volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers",
        "volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
        "volumeMounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified",
      ],
    ],
    [
      "a device that is a folder",
      {
        volumeDevices: [
          { name: "v", devicePath: "/dev/../a" },
          { name: "x", devicePath: "" },
        ],
      },
      [
        'volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        `volumeDevices[0].devicePath: Invalid value: "/dev/../a": can not contain backsteps ('..')`,
        'volumeDevices[1].name: Not found: "x"',
        "volumeDevices[1].devicePath: Required value",
      ],
    ],
    [
      "an unknown way to be resized",
      { resizePolicy: [{ resourceName: "disk", restartPolicy: "Ask" }] },
      [
        'resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
        'resizePolicy: Unsupported value: "Ask": supported values: "NotRequired", "RestartContainer"',
      ],
    ],
    [
      "huge pages alone, and in parts",
      { resources: { limits: { "hugepages-2Mi": "3Mi" } } },
      [
        'resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
        'resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
        "resources: Forbidden: HugePages require cpu or memory",
      ],
    ],
    [
      "devices that the pod does not claim, and one twice",
      { resources: { claims: [{ name: "a", request: "r" }, { name: "a" }, { name: "" }] } },
      [
        'resources.claims[0]: Not found: "a": must be one of the names in pod.spec.resourceClaims which is empty',
        'resources.claims[1]: Duplicate value: "a"',
        'resources.claims[1]: Not found: "a": must be one of the names in pod.spec.resourceClaims which is empty',
        "resources.claims[2]: Required value",
      ],
    ],
    [
      "/proc unmasked, without users of its own",
      { securityContext: { procMount: "Unmasked" } },
      ['securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`'],
    ],
    [
      "hooks that sleep too long, or do two things",
      {
        lifecycle: {
          preStop: { sleep: { seconds: 31 } },
          postStart: { exec: { command: ["a"] }, tcpSocket: { port: 0 } },
        },
      },
      [
        "lifecycle.postStart.tcpSocket: Forbidden: may not specify more than 1 handler type",
        "lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)",
      ],
    ],
    [
      "a port with a name that is wrong in every way",
      { ports: [{ containerPort: 80, name: "-1--UP" }] },
      [
        'ports[0].name: Invalid value: "-1--UP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        'ports[0].name: Invalid value: "-1--UP": must contain at least one letter (a-z)',
        'ports[0].name: Invalid value: "-1--UP": must not contain consecutive hyphens',
        'ports[0].name: Invalid value: "-1--UP": must not begin or end with a hyphen',
      ],
    ],
    [
      "variables from nowhere, of another version, in odd units",
      {
        env: [
          { name: "A", valueFrom: { configMapKeyRef: { name: "", key: "k" } } },
          { name: "B", valueFrom: { fieldRef: { apiVersion: "v2", fieldPath: "metadata.name" } } },
          { name: "C", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "2" } } },
        ],
      },
      [
        `env[0].valueFrom.configMapKeyRef.name: Invalid value: "": ${dnsSubdomainError("")}`,
        'env[1].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.name": error converting fieldPath: unsupported pod version: v2',
        'env[2].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
      ],
    ],
  ])("%s", (_, container, errors) => {
    const object = podWith(container as Partial<typeof nginx>, { volumes: [{ name: "v", emptyDir: {} }] });
    expect(errorsOf(pod, object)).toEqual(errors.map((error) => `spec.containers[0].${error}`));
  });
});

const context = { localRanges: [] };
const texts = (errors: readonly { field: string; message: string }[] = []) =>
  errors.map(({ field, message }) => `${field}: ${message}`);

function partErrorsOf(name: "ephemeralcontainers" | "resize", next: Partial<PodSpec>, old: Partial<PodSpec> = {}) {
  const part = pod.parts?.[name];
  const { applyDefaults } = pod.strategy;
  const previous = applyDefaults(podOf(old, { phase: "Running", qosClass: "Burstable" }));
  const prepared = part?.prepareForUpdate(applyDefaults(podOf({ ...old, ...next })), previous);
  return { prepared, errors: texts(prepared && part?.validateUpdate(prepared, previous, context)) };
}

describe("/ephemeralcontainers", () => {
  const debug = { name: "debug", image: "busybox" };
  it("puts containers in, and takes nothing else", () => {
    const { prepared, errors } = partErrorsOf("ephemeralcontainers", {
      ephemeralContainers: [{ ...debug, targetContainerName: "nginx" }],
      hostPID: true,
    });
    expect(errors).toEqual([]);
    expect(prepared?.spec).toMatchObject({ ephemeralContainers: [{ name: "debug", imagePullPolicy: "Always" }] });
    expect(prepared?.spec.hostPID).toBeUndefined();
  });

  it.each<[string, JsonObject, readonly string[]]>([
    [
      "one that is not there any more",
      { ephemeralContainers: [] },
      ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n'],
    ],
    [
      "one that is another",
      { ephemeralContainers: [{ ...debug, image: "alpine" }] },
      ['spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n'],
    ],
    [
      "one that listens and looks at nobody",
      {
        ephemeralContainers: [
          debug,
          { name: "nginx", image: "a", ports: [{ containerPort: 1 }], targetContainerName: "x" },
        ],
      },
      [
        'spec.ephemeralContainers[1].name: Duplicate value: "nginx"',
        'spec.ephemeralContainers[1].targetContainerName: Not found: "x"',
        "spec.ephemeralContainers[1].ports: Forbidden: cannot be set for an Ephemeral Container",
      ],
    ],
  ])("refuses %s", (_, next, errors) => {
    expect(partErrorsOf("ephemeralcontainers", spec(next), { ephemeralContainers: [debug] }).errors).toEqual(errors);
  });
});

describe("a container's stop signal", () => {
  const errors = (stopSignal: string, os?: { name: string }) =>
    errorsOf(pod, podOf({ ...(os ? { os } : {}), containers: [{ ...nginx, lifecycle: { stopSignal } }] }));

  it.each(["SIGTERM", "SIGUSR1", "SIGRTMIN+15", "SIGRTMAX-14"])("may be %s", (signal) => {
    expect(errors(signal, { name: "linux" })).toEqual([]);
  });

  it("is of an operating system, and one that it has", () => {
    const at = "spec.containers[0].lifecycle.stopSignal";
    expect(errors("SIGTERM")).toEqual([`${at}: Forbidden: may not be set for containers with empty \`spec.os.name\``]);
    expect(errors("USR1", { name: "linux" })[0]).toMatch(
      `${at}: Unsupported value: "USR1": supported values: "SIGABRT", `,
    );
    expect(errors("SIGUSR1", { name: "windows" })).toEqual([
      `${at}: Unsupported value: "SIGUSR1": supported values: "SIGKILL", "SIGTERM"`,
    ]);
  });
});

describe("/resize", () => {
  const sized = (requests: Record<string, string>) => ({ containers: [{ ...nginx, resources: { requests } }] });
  it("changes processor time and memory, and takes nothing else", () => {
    const old = sized({ cpu: "1" });
    const next = { containers: [{ ...nginx, image: "other", resources: { requests: { cpu: "2" } } }] };
    const { prepared, errors } = partErrorsOf("resize", next, old);
    expect(errors).toEqual([]);
    expect(prepared?.spec.containers[0]).toMatchObject({ image: nginx.image, resources: { requests: { cpu: "2" } } });
  });

  it("changes what a pod asks for as a whole, and takes it where it asked for nothing", () => {
    const resources = { requests: { cpu: "3" }, limits: { cpu: "4" } };
    for (const old of [{ ...sized({ cpu: "1" }), resources: { requests: { cpu: "2" } } }, sized({ cpu: "1" })]) {
      const { prepared, errors } = partErrorsOf("resize", { ...sized({ cpu: "2" }), resources }, old);
      expect(errors).toEqual([]);
      expect(prepared?.spec).toMatchObject({ resources, ...sized({ cpu: "2" }) });
    }
  });

  it.each<[string, Partial<PodSpec>, Partial<PodSpec>, readonly string[]]>([
    [
      "another class",
      { containers: [{ ...nginx, resources: { limits: { cpu: "1", memory: "1Gi" } } }] },
      sized({ cpu: "1", memory: "1Gi" }),
      ['spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing'],
    ],
    [
      "less than what was asked for",
      sized({ memory: "1Gi" }),
      sized({ cpu: "1", memory: "1Gi" }),
      ["spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"],
    ],
    [
      "less than what the pod as a whole was given",
      { ...sized({ cpu: "1" }), resources: { requests: { cpu: "2" } } },
      { ...sized({ cpu: "1" }), resources: { requests: { cpu: "2", memory: "1Gi" } } },
      ["spec.resources.requests: Forbidden: resource requests cannot be removed"],
    ],
    [
      "what the pod as a whole asks for taken back",
      { ...sized({ cpu: "1" }), resources: {} },
      { ...sized({ cpu: "1" }), resources: { requests: { cpu: "2" } } },
      ["spec.resources.requests: Forbidden: resource requests cannot be removed"],
    ],
    [
      "a pod as a whole that asks for less than its containers do",
      { ...sized({ cpu: "2" }), resources: { requests: { cpu: "1" } } },
      { ...sized({ cpu: "1" }), resources: { requests: { cpu: "1" } } },
      [
        'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
      ],
    ],
    [
      "another class of the pod as a whole",
      {
        ...sized({ cpu: "1" }),
        resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "1", memory: "1Gi" } },
      },
      {
        ...sized({ cpu: "1" }),
        resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "2", memory: "1Gi" } },
      },
      ['spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing'],
    ],
    [
      "other resources",
      sized({ cpu: "1", "ephemeral-storage": "2Gi" }),
      sized({ cpu: "1", "ephemeral-storage": "1Gi" }),
      ["spec: Forbidden: only cpu and memory resources are mutable"],
    ],
  ])("refuses %s", (_, next, old, errors) => {
    expect(partErrorsOf("resize", next, old).errors).toEqual(errors);
  });
});

describe("the status of a pod", () => {
  const ended = {
    name: "nginx",
    ready: false,
    restartCount: 0,
    image: "a",
    imageID: "",
    state: { terminated: { exitCode: 0 } },
  };
  const running = { ...ended, state: { running: {} } };
  function statusErrorsOf(status: Pod["status"], previous: Pod["status"], value: Partial<PodSpec> = {}) {
    const { prepareForStatusUpdate, validateStatusUpdate } = pod.strategy;
    const old = podOf(value, previous);
    const next = prepareForStatusUpdate({ ...old, ...(status ? { status } : {}) }, old, {} as never);
    return { next, errors: texts(validateStatusUpdate(next, old, context as never)) };
  }

  it("keeps its class, and its first address in both fields", () => {
    const { next, errors } = statusErrorsOf({ phase: "Running", podIP: "10.0.0.1" }, { qosClass: "BestEffort" });
    expect(errors).toEqual([]);
    expect(next.status).toEqual({
      phase: "Running",
      podIP: "10.0.0.1",
      podIPs: [{ ip: "10.0.0.1" }],
      qosClass: "BestEffort",
    });
  });

  it("believes the one address where it is not the first of all", () => {
    const { next } = statusErrorsOf({ podIP: "10.0.0.2", podIPs: [{ ip: "10.0.0.1" }, { ip: "fd00::1" }] }, {});
    expect(next.status).toMatchObject({ podIP: "10.0.0.2", podIPs: [{ ip: "10.0.0.2" }] });
  });

  it.each<[string, Pod["status"], Pod["status"], Partial<PodSpec>, readonly string[]]>([
    [
      "another class",
      { qosClass: "Burstable" },
      { qosClass: "BestEffort" },
      {},
      ['status.qosClass: Invalid value: "Burstable": field is immutable'],
    ],
    [
      "a container that comes back",
      { containerStatuses: [running] },
      { containerStatuses: [ended] },
      { restartPolicy: "Never" },
      ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"],
    ],
    [
      "two addresses of a family",
      { podIPs: [{ ip: "1.1.1.1" }, { ip: "1.1.1.1" }] },
      {},
      {},
      [
        'status.podIPs: Invalid value: [{"IP":"1.1.1.1"},{"IP":"1.1.1.1"}]: may specify no more than one IP for each IP family',
        'status.podIPs[1]: Duplicate value: {"IP":"1.1.1.1"}',
      ],
    ],
  ])("is refused with %s", (_, status, previous, value, errors) => {
    expect(statusErrorsOf(status, previous, value).errors).toEqual(errors);
  });

  it("may bring a container back that is to be restarted", () => {
    expect(
      statusErrorsOf({ containerStatuses: [running] }, { containerStatuses: [ended] }, { restartPolicy: "Always" })
        .errors,
    ).toEqual([]);
  });
});
