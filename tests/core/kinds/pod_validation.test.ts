import { describe, expect, it } from "vitest";
import type { Container, PodSpec } from "../../../core/kinds/mod.ts";
import { pod } from "../../../core/kinds/mod.ts";
import { errorsOf, nginx, podOf, podWith, updateErrorsOf } from "./fixtures.ts";

const specCases: [string, Partial<PodSpec>, string[]][] = [
  ["no containers", { containers: [] }, ["spec.containers: Required value"]],
  ["two containers of one name", { containers: [nginx, nginx] }, ['spec.containers[1].name: Duplicate value: "nginx"']],
  [
    "an unknown restart policy",
    { restartPolicy: "Sometimes" as "Always" },
    ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
  ],
  [
    "an unknown DNS policy",
    { dnsPolicy: "X" },
    [
      'spec.dnsPolicy: Unsupported value: "X": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
    ],
  ],
  [
    "a deadline of nothing",
    { activeDeadlineSeconds: 0 },
    ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
  ],
  [
    "an amount as a whole that only containers may have",
    { resources: { limits: { "ephemeral-storage": "1Gi" }, requests: { "example.com/a": "1" } } },
    [
      'spec.resources.limits[ephemeral-storage]: Unsupported value: "ephemeral-storage": supported values: "cpu", "hugepages-", "memory"',
      'spec.resources.requests[example.com/a]: Unsupported value: "example.com/a": supported values: "cpu", "hugepages-", "memory"',
    ],
  ],
  [
    "claims as a whole",
    { resources: { claims: [] } as object },
    ["spec.resources.claims: Forbidden: claims cannot be set for Resources at pod-level"],
  ],
  [
    "less as a whole than it asks for, and than its containers may have",
    {
      resources: { requests: { cpu: "2", memory: "2Mi" }, limits: { cpu: "1", memory: "4Mi" } },
      containers: [
        { ...nginx, resources: { requests: { memory: "2Mi" }, limits: { memory: "5Mi" } } },
        { ...nginx, name: "b", resources: { requests: { memory: "1Mi" } } },
      ],
    },
    [
      'spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      'spec.resources.requests[memory]: Invalid value: "2Mi": must be greater than or equal to aggregate container requests of 3Mi',
      'spec.resources.containers[0][memory].limits: Invalid value: "5Mi": must be less than or equal to pod limits of 4Mi',
    ],
  ],
  [
    "a hostPath that climbs",
    { volumes: [{ name: "v", hostPath: { path: "/a/../b" } }] },
    [`spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain '..'`],
  ],
  [
    "an unknown type of hostPath",
    { volumes: [{ name: "v", hostPath: { path: "/a", type: "Pipe" } }] },
    [
      'spec.volumes[0].hostPath.type: Unsupported value: "Pipe": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    ],
  ],
  [
    "a volume of two sources",
    { volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/a" } }] },
    ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
  ],
  [
    "projected files outside the volume",
    {
      volumes: [
        {
          name: "v",
          configMap: {
            name: "c",
            items: [
              { key: "a", path: "../x" },
              { key: "b", path: "/x" },
              { key: "c", path: "..x" },
            ],
          },
        },
      ],
    },
    [
      `spec.volumes[0].configMap.items[0].path: Invalid value: "../x": must not contain '..'`,
      'spec.volumes[0].configMap.items[1].path: Invalid value: "/x": must be a relative path',
      `spec.volumes[0].configMap.items[2].path: Invalid value: "..x": must not start with '..'`,
    ],
  ],
  [
    "two volumes of one name",
    { volumes: [{ name: "v" }, { name: "v" }] },
    ['spec.volumes[1].name: Duplicate value: "v"'],
  ],
  [
    "a probe of a plain init container",
    { initContainers: [{ ...nginx, name: "init", livenessProbe: { exec: { command: ["true"] } } }] },
    [
      "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
    ],
  ],
  [
    "an init container named like a container",
    { initContainers: [nginx] },
    ['spec.initContainers[0].name: Duplicate value: "nginx"'],
  ],
  [
    "a toleration of everything with a value",
    { tolerations: [{ operator: "Equal", value: "x" }] },
    [
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
  ],
  [
    "no node selector terms",
    { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } },
    [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term",
    ],
  ],
  [
    "another container port than the host's",
    { hostNetwork: true, containers: [{ ...nginx, ports: [{ containerPort: 80, hostPort: 81 }] }] },
    ["spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true"],
  ],
  [
    "one host port twice",
    {
      containers: [
        { ...nginx, ports: [{ containerPort: 80, hostPort: 8080 }] },
        { ...nginx, name: "b", ports: [{ containerPort: 81, hostPort: 8080 }] },
      ],
    },
    ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//8080"'],
  ],
];

const containerCases: [string, Partial<Container>, string[]][] = [
  ["no image", { image: "" }, ["spec.containers[0].image: Required value"]],
  ["no name", { name: "" }, ["spec.containers[0].name: Required value"]],
  [
    "a name in capitals",
    { name: "Web" },
    [
      `spec.containers[0].name: Invalid value: "Web": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
    ],
  ],
  [
    "a port that is too high",
    { ports: [{ containerPort: 65536 }] },
    ["spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive"],
  ],
  [
    "ports of one name",
    {
      ports: [
        { name: "a", containerPort: 1 },
        { name: "a", containerPort: 2 },
      ],
    },
    ['spec.containers[0].ports[1].name: Duplicate value: "a"'],
  ],
  [
    "a volume that is not there",
    { volumeMounts: [{ name: "v", mountPath: "/v" }] },
    ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
  ],
  [
    "a variable without a source",
    { env: [{ name: "A", valueFrom: {} }] },
    [
      'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    ],
  ],
  [
    "a variable from a file without a key, of a volume that is none, outside",
    { env: [{ name: "A", valueFrom: { fileKeyRef: { volumeName: "v", path: "../x", key: "" } } }] },
    [
      "spec.containers[0].env[0].valueFrom.fileKeyRef.key: Required value",
      "spec.containers[0].env[0].valueFrom.fileKeyRef.path: Invalid value: \"../x\": must not contain '..'",
      'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Not found: "v"',
    ],
  ],
  [
    "a variable whose name holds =",
    { env: [{ name: "A=B" }] },
    [
      `spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='`,
    ],
  ],
  [
    "a field that nobody knows",
    { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.foo" } } }] },
    [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo',
    ],
  ],
  [
    "an environment from nowhere",
    { envFrom: [{}] },
    ['spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
  ],
  [
    "a probe that does nothing",
    { livenessProbe: {} },
    ["spec.containers[0].livenessProbe: Required value: must specify a handler type"],
  ],
  [
    "a probe that does two things",
    { livenessProbe: { exec: { command: ["true"] }, tcpSocket: { port: 1 } } },
    ["spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"],
  ],
  [
    "a liveness probe that must succeed twice",
    { livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } },
    ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"],
  ],
  [
    "a probe of port 0",
    { readinessProbe: { httpGet: { port: 0 } } },
    ["spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive"],
  ],
  [
    "more requested than allowed",
    { resources: { limits: { cpu: "1" }, requests: { cpu: "2" } } },
    ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
  ],
  [
    "a resource that nobody knows",
    { resources: { limits: { gpu: "1" } } },
    [
      'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
      'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
      'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
      'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    ],
  ],
  [
    "an image with a space",
    { image: " nginx" },
    ['spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace'],
  ],
  [
    "no escalation but all privileges",
    { securityContext: { privileged: true, allowPrivilegeEscalation: false } },
    [
      'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ],
  ],
];

describe("pod validation", () => {
  it.each(specCases)("pod names the field, when it has %s", (_, spec, errors) => {
    expect(errorsOf(pod, podOf(spec))).toEqual(errors);
  });

  it("a variable comes from a file of an emptyDir only", () => {
    const env = [{ name: "A", valueFrom: { fileKeyRef: { volumeName: "v", path: "x", key: "A" } } }];
    const of = (volume: object) => podWith({ env }, { volumes: [{ name: "v", ...volume }] });
    expect(errorsOf(pod, of({ emptyDir: {} }))).toEqual([]);
    expect(errorsOf(pod, of({ hostPath: { path: "/etc" } }))).toEqual([
      'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "v": referenced volume must be of type emptyDir',
    ]);
  });

  it.each(containerCases)("pod names the field, when a container has %s", (_, container, errors) => {
    expect(errorsOf(pod, podWith(container))).toEqual(errors);
  });

  it("mount paths are unique, and hold no colon", () => {
    const volumeMounts = ["/a:b", "/c", "/c"].map((mountPath) => ({ name: "v", mountPath }));
    expect(errorsOf(pod, podWith({ volumeMounts }, { volumes: [{ name: "v" }] }))).toEqual([
      "spec.containers[0].volumeMounts[0].mountPath: Invalid value: \"/a:b\": must not contain ':'",
      'spec.containers[0].volumeMounts[2].mountPath: Invalid value: "/c": must be unique',
    ]);
  });

  it("a pod without a spec is refused, not crashed on", () => {
    const bare = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } } as unknown as ReturnType<typeof podOf>;
    expect(errorsOf(pod, bare)).toEqual(["spec.containers: Required value"]);
  });

  it("a rich pod is fine", () => {
    const rich = podWith(
      {
        ports: [{ name: "http", containerPort: 80, hostPort: 8080 }],
        env: [
          { name: "A", value: "1" },
          { name: "B", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app.kubernetes.io/name']" } } },
          { name: "C", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
        ],
        resources: { limits: { cpu: "1", memory: "1Gi", "example.com/gpu": 1 } },
        volumeMounts: [{ name: "v", mountPath: "/v", subPath: "a/b" }],
        readinessProbe: { httpGet: { port: "http" } },
      },
      {
        volumes: [{ name: "v", secret: { secretName: "s", items: [{ key: "k", path: "a/b" }] } }],
        initContainers: [{ ...nginx, name: "side", restartPolicy: "Always", startupProbe: { tcpSocket: { port: 1 } } }],
        tolerations: [{ operator: "Exists" }],
        nodeSelector: { "kubernetes.io/os": "linux" },
        hostAliases: [{ ip: "10.0.0.1", hostnames: ["a"] }],
      },
    );
    expect(errorsOf(pod, rich)).toEqual([]);
  });
});

describe("pod updates", () => {
  const mutable =
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

  it.each([
    ["image", podWith({ image: "nginx:2" })],
    ["deadline", podOf({ activeDeadlineSeconds: 5 })],
    ["tolerations", podOf({ tolerations: [{ operator: "Exists" }] })],
  ])("pod accepts another %s", (_, next) => {
    expect(updateErrorsOf(pod, next, podOf())).toEqual([]);
  });

  it("pod refuses other changes and says which", () => {
    const errors = updateErrorsOf(pod, podOf({ nodeName: "n1", hostNetwork: true }), podOf());
    expect(errors).toEqual([`${mutable}\nchanged: spec.hostNetwork, spec.nodeName`]);
    expect(updateErrorsOf(pod, podWith({ command: ["x"] }), podOf())).toEqual([`${mutable}\nchanged: spec.containers`]);
  });

  it("pod refuses more containers and fewer tolerations", () => {
    expect(updateErrorsOf(pod, podOf({ containers: [nginx, { ...nginx, name: "b" }] }), podOf())).toEqual([
      "spec.containers: Forbidden: pod updates may not add or remove containers",
    ]);
    expect(updateErrorsOf(pod, podOf(), podOf({ tolerations: [{ operator: "Exists" }] }))).toEqual([
      "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
    ]);
  });

  it.each<[string, Partial<PodSpec>, Partial<PodSpec>, string[]]>([
    ["gain a node selector", { nodeSelector: { a: "b" } }, { nodeSelector: { a: "b", c: "d" } }, []],
    [
      "lose no node selector",
      { nodeSelector: { a: "b" } },
      { nodeSelector: { c: "d" } },
      [
        'spec.nodeSelector: Invalid value: {"c":"d"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
      ],
    ],
    ["gain an affinity to nodes", {}, { affinity: near("a") }, []],
    ["gain conditions of its affinity to nodes", { affinity: near("a") }, { affinity: near("a", "b") }, []],
    [
      "lose no condition of its affinity to nodes",
      { affinity: near("a", "b") },
      { affinity: near("a") },
      [
        'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]: Invalid value: {"matchExpressions":[{"key":"a","operator":"Exists"}]}: only additions are allowed (no mutations or deletions)',
      ],
    ],
    [
      "lose no affinity to nodes",
      { affinity: near("a") },
      {},
      [
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Invalid value: []: no additions/deletions to non-empty NodeSelectorTerms list are allowed",
      ],
    ],
  ])("a gated pod may %s", (_, previous, next, errors) => {
    const gates = { schedulingGates: [{ name: "example.com/a" }] };
    expect(updateErrorsOf(pod, podOf({ ...gates, ...next }), podOf({ ...gates, ...previous }))).toEqual(errors);
  });

  it("a gated pod may gain no affinity to pods", () => {
    const gated = podOf({ schedulingGates: [{ name: "example.com/a" }] });
    const affinity = {
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "a", labelSelector: {} }] },
    };
    const [error = ""] = updateErrorsOf(pod, podOf({ ...gated.spec, affinity }), gated);
    expect(error).toMatch(/^spec: Forbidden: pod updates may not change fields other than/);
  });

  it("a gated pod may lose gates and gain a node selector", () => {
    const gated = podOf({ schedulingGates: [{ name: "example.com/a" }] });
    expect(updateErrorsOf(pod, podOf({ nodeSelector: { a: "b" } }), gated)).toEqual([]);
    expect(updateErrorsOf(pod, gated, podOf())).toEqual([
      "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'example.com/a'",
    ]);
  });
});

function near(...keys: string[]): PodSpec["affinity"] & object {
  const matchExpressions = keys.map((key) => ({ key, operator: "Exists" as const }));
  return {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
  };
}
