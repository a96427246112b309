import { expect, it } from "vitest";
import { describeRefusals, errorsOf, updateErrorsOf } from "./_refusals.ts";
import { samples } from "./samples.ts";

it.each([...samples.keys()])("the sample of %s is fine, and an update of it that changes nothing", (name) => {
  expect(errorsOf(name, { metadata: { namespace: "default" } })).toEqual([]);
  expect(updateErrorsOf(name, {})).toEqual([]);
});

describeRefusals([
  [
    "v1/PersistentVolume",
    [
      [
        "less than nothing",
        { spec: { capacity: { storage: "-1" } } },
        [
          'spec.capacity[storage]: Invalid value: "-1": must be a valid resource quantity',
          'spec.capacity[storage]: Invalid value: "-1": must be greater than zero',
        ],
      ],
      [
        "secrets of no namespace, and an initiator of no format",
        {
          spec: {
            hostPath: null,
            iscsi: {
              targetPortal: "1.2.3.4",
              iqn: "x",
              lun: 0,
              chapAuthSession: true,
              secretRef: {},
            },
          },
        },
        ['spec.iscsi.iqn: Invalid value: "x": must be valid format', "spec.iscsi.secretRef.name: Required value"],
      ],
      [
        "a second source, of which nothing more is said",
        { spec: { hostPath: null, cinder: { volumeID: "v", secretRef: { name: "s" } }, cephfs: { monitors: ["m"] } } },
        ["spec.cinder: Forbidden: may not specify more than 1 volume type"],
      ],
      [
        "a secret of no namespace",
        { spec: { hostPath: null, cinder: { volumeID: "v", secretRef: { name: "s" } } } },
        ["spec.cinder.secretRef.namespace: Required value"],
      ],
    ],
  ],
  [
    "v1/Secret",
    [
      [
        "no text where there must be JSON",
        { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "" } },
        ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": unexpected end of JSON input'],
      ],
      [
        "a text where there must be JSON",
        { type: "kubernetes.io/dockercfg", data: { ".dockercfg": "ZXk=" } },
        [
          "data[.dockercfg]: Invalid value: \"<secret contents redacted>\": invalid character 'e' looking for beginning of value",
        ],
      ],
      [
        "a list where there must be an object",
        { type: "kubernetes.io/dockercfg", data: { ".dockercfg": "W10=" } },
        [
          'data[.dockercfg]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}',
        ],
      ],
      [
        "no key",
        { type: "kubernetes.io/ssh-auth", data: { "ssh-privatekey": "" } },
        ["data[ssh-privatekey]: Required value"],
      ],
    ],
  ],
  [
    "storage.k8s.io/v1/StorageClass",
    [
      [
        "a topology of nothing",
        { allowedTopologies: [{}] },
        ['allowedTopologies[0].matchLabelExpressions: Duplicate value: ""'],
      ],
    ],
  ],
  [
    "node.k8s.io/v1/RuntimeClass",
    [
      [
        "one toleration twice",
        {
          scheduling: {
            tolerations: [
              { key: "k", operator: "Exists", effect: "NoExecute" },
              { key: "k", operator: "Exists", effect: "NoExecute", tolerationSeconds: 1 },
            ],
          },
        },
        [
          'scheduling.tolerations[1]: Duplicate value: {"key":"k","operator":"Exists","effect":"NoExecute","tolerationSeconds":1}',
        ],
      ],
    ],
  ],
  [
    "rbac.authorization.k8s.io/v1/ClusterRole",
    [
      [
        "a selector that selects nothing",
        { aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: "a", operator: "In" }] }] } },
        [
          "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
          "aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector.",
        ],
      ],
    ],
  ],

  [
    "autoscaling/v2/HorizontalPodAutoscaler",
    [
      [
        "no room",
        { spec: { minReplicas: 5 } },
        ["spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"],
      ],
      [
        "nothing to scale",
        { spec: { scaleTargetRef: { kind: "", name: "a/b" } } },
        [
          "spec.scaleTargetRef.kind: Required value",
          "spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'",
        ],
      ],
      [
        "a metric of no type",
        {
          spec: {
            metrics: [
              { type: "Pods", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 0 } } },
            ],
          },
        },
        [
          "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0",
          "spec.metrics[0].pods: Required value: must populate information for the given metric source",
        ],
      ],
      [
        "a target of no kind",
        { spec: { metrics: [{ type: "External", external: { metric: { name: "q" }, target: { type: "Most" } } }] } },
        [
          'spec.metrics[0].external.target.type: Invalid value: "Most": must be either Utilization, Value, or AverageValue',
          "spec.metrics[0].external.target.averageValue: Required value: must set either a target value for metric or a per-pod target",
        ],
      ],
      [
        "rules that never scale",
        {
          spec: {
            behavior: {
              scaleDown: {
                stabilizationWindowSeconds: 3601,
                policies: [{ type: "Some", value: 0, periodSeconds: 1801 }],
              },
            },
          },
        },
        [
          "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
          'spec.behavior.scaleDown.policies[0].type: Unsupported value: "Some": supported values: "Percent", "Pods"',
          "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
          "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
        ],
      ],
      [
        "a tolerance that nothing is within",
        { spec: { behavior: { scaleUp: { tolerance: "-0.05" } } } },
        ['spec.behavior.scaleUp.tolerance: Invalid value: "-50m": must be greater than or equal to 0'],
      ],
    ],
  ],
  [
    "autoscaling/v1/HorizontalPodAutoscaler",
    [
      [
        "no room",
        { spec: { minReplicas: 5 } },
        ["spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"],
      ],
    ],
  ],
  [
    "policy/v1/PodDisruptionBudget",
    [
      [
        "both bounds",
        { spec: { selector: null, maxUnavailable: 1 } },
        [
          'spec: Invalid value: {"MinAvailable":"50%","Selector":null,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
        ],
      ],
      [
        "no percentage",
        { spec: { minAvailable: "half" } },
        [
          `spec.minAvailable: Invalid value: "half": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')`,
        ],
      ],
      [
        "another policy",
        { spec: { unhealthyPodEvictionPolicy: "Ask" } },
        [
          'spec.unhealthyPodEvictionPolicy: Unsupported value: "Ask": supported values: "AlwaysAllow", "IfHealthyBudget"',
        ],
      ],
    ],
  ],
  [
    "v1/LimitRange",
    [
      [
        "a minimum above the maximum",
        { spec: { limits: [{ type: "Pod", max: { cpu: "1" }, min: { cpu: "2" } }] } },
        ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
      ],
      [
        "defaults for pods",
        { spec: { limits: [{ type: "Pod", default: { cpu: "1" } }] } },
        ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
      ],
      [
        "a claim without storage",
        { spec: { limits: [{ type: "PersistentVolumeClaim" }] } },
        [
          "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided",
        ],
      ],
      [
        "the same twice",
        { spec: { limits: [{ type: "Pod" }, { type: "Pod" }] } },
        ['spec.limits[1].type: Duplicate value: "Pod"'],
      ],
      [
        "another type",
        { spec: { limits: [{ type: "Node" }] } },
        ['spec.limits[0].type: Invalid value: "Node": must be a standard limit type or fully qualified'],
      ],
      [
        "a ratio below one",
        { spec: { limits: [{ type: "Pod", maxLimitRequestRatio: { cpu: "500m" } }] } },
        ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
      ],
      [
        "a ratio that the bounds exclude",
        {
          spec: { limits: [{ type: "Pod", max: { cpu: "2" }, min: { cpu: "1" }, maxLimitRequestRatio: { cpu: "3" } }] },
        },
        ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000'],
      ],
    ],
  ],
  [
    "v1/ResourceQuota",
    [
      [
        "an unknown resource",
        { spec: { hard: { apples: "1" } } },
        [
          'spec.hard[apples]: Invalid value: "apples": must be a standard resource type or fully qualified',
          'spec.hard[apples]: Invalid value: "apples": must be a standard resource for quota',
        ],
      ],
      [
        "half a pod and less than nothing",
        { spec: { hard: { pods: "500m", "limits.cpu": "-1" } } },
        [
          'spec.hard[pods]: Invalid value: "500m": must be an integer',
          'spec.hard[limits.cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ],
      ],
      [
        "scopes that exclude each other",
        { spec: { hard: { pods: "1", "limits.cpu": null }, scopes: ["BestEffort", "NotBestEffort"] } },
        ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
      ],
      [
        "a scope that a resource has not",
        { spec: { scopes: ["BestEffort"] } },
        ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
      ],
      ["an unknown scope", { spec: { scopes: ["Blue"] } }, ['spec.scopes: Invalid value: ["Blue"]: unsupported scope']],
      [
        "a selector without values",
        { spec: { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In" }] } } },
        [
          "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        ],
      ],
    ],
  ],
  [
    "v1/PersistentVolume",
    [
      [
        "nothing in it",
        { spec: { capacity: null, accessModes: null, hostPath: null } },
        [
          "spec.accessModes: Required value",
          "spec.capacity: Required value",
          'spec.capacity: Unsupported value: {}: supported values: "storage"',
          "spec: Required value: must specify a volume type",
        ],
      ],
      [
        "two sources",
        { spec: { nfs: { server: "a", path: "/b" } } },
        ["spec.nfs: Forbidden: may not specify more than 1 volume type"],
      ],
      [
        "a relative path",
        { spec: { hostPath: null, nfs: { server: "a", path: "b" } } },
        ['spec.nfs.path: Invalid value: "b": must be an absolute path'],
      ],
      [
        "no room",
        { spec: { capacity: { storage: "0" } } },
        ['spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
      ],
      [
        "a local path of no node",
        { spec: { hostPath: null, local: { path: "/a" } } },
        ["spec.nodeAffinity: Required value: Local volume requires node affinity"],
      ],
      [
        "the root to be wiped",
        { spec: { hostPath: { path: "/" }, persistentVolumeReclaimPolicy: "Recycle" } },
        ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
      ],
      [
        "another mode",
        { spec: { volumeMode: "Tape", accessModes: ["ReadWriteOncePod", "ReadOnlyMany"] } },
        [
          "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
          'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
        ],
      ],
      [
        "a disk that is shared unless it says more, at the address of a managed one",
        { spec: { hostPath: null, azureDisk: { diskName: "d", diskURI: "/subscriptions/x" } } },
        [
          'spec.azureDisk.diskURI: Unsupported value: "/subscriptions/x": supported values: "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"',
        ],
      ],
      [
        "a driver without a handle",
        { spec: { hostPath: null, csi: { driver: "a_b", volumeHandle: "" } } },
        [
          expect.stringContaining(
            'spec.csi.driver: Invalid value: "a_b": a lowercase RFC 1123 subdomain',
          ) as unknown as string,
          "spec.csi.volumeHandle: Required value",
        ],
      ],
    ],
  ],
  [
    "v1/PersistentVolumeClaim",
    [
      [
        "nothing in it",
        { spec: { accessModes: null, resources: null } },
        [
          "spec.accessModes: Required value: at least 1 access mode is required",
          "spec.resources[storage]: Required value",
        ],
      ],
      [
        "another mode of access",
        { spec: { accessModes: ["Write"] } },
        [
          'spec.accessModes: Unsupported value: "Write": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
        ],
      ],
      [
        "a source of no group",
        { spec: { dataSource: { kind: "VolumeSnapshot", name: "s" } } },
        [
          `spec.dataSource: Invalid value: "VolumeSnapshot": must be 'PersistentVolumeClaim' when referencing the default apiGroup`,
          `spec.dataSourceRef: Invalid value: "VolumeSnapshot": must be 'PersistentVolumeClaim' when referencing the default apiGroup`,
        ],
      ],
    ],
  ],
  [
    "discovery.k8s.io/v1/EndpointSlice",
    [
      [
        "a port of an empty protocol",
        { ports: [{ port: 80, protocol: "" }] },
        ['ports[0].protocol: Unsupported value: "": supported values: "SCTP", "TCP", "UDP"'],
      ],
    ],
  ],
  [
    "flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration",
    [
      [
        "a hand that no hash deals",
        { spec: { limited: { limitResponse: { type: "Queue", queuing: { queues: 512, handSize: 8 } } } } },
        [
          "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60",
        ],
      ],
      [
        "no hand that a hash just deals",
        { spec: { limited: { limitResponse: { type: "Queue", queuing: { queues: 1024, handSize: 6 } } } } },
        [],
      ],
    ],
  ],
]);
