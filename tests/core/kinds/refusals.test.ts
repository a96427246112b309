import { describe, expect, it } from "vitest";
import { apiVersionOf, type Kind } from "../../../core/api/kind.ts";
import type { JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { applyMergePatch as mergePatch } from "../../../core/api/patch/mod.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { samples } from "./samples.ts";

const uid = "41a14739-0e63-422c-beaa-b8e4b2ac506a";
const byName = new Map(kinds.map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, kind]));

function kindOf(name: string): Kind {
  const kind = byName.get(name);
  if (!kind) throw new Error(`${name} is not served`);
  return kind;
}

/** The sample of a kind as a client sends it, changed by a merge patch. */
function sent(name: string, change: JsonObject = {}): KubeObject {
  const metadata = { name: "web", namespace: "default", uid };
  const object = { apiVersion: name.slice(0, name.lastIndexOf("/")), kind: kindOf(name).kind, metadata };
  return mergePatch({ ...object, ...samples.get(name)?.body }, change) as unknown as KubeObject;
}

/** An object as it is stored when it is created. */
function stored(name: string, change?: JsonObject): KubeObject {
  const { strategy } = kindOf(name);
  return strategy.prepareForCreate(strategy.applyDefaults(sent(name, change)));
}

const texts = (errors: readonly { readonly field: string; readonly message: string }[]) =>
  errors.map(({ field, message }) => `${field}: ${message}`);
const context = { localRanges: [] };

function errorsOf(name: string, change?: JsonObject): string[] {
  return texts(kindOf(name).strategy.validate(stored(name, change), context));
}

/** What is said of an update of a created object: `change` is to what it became. */
function updateErrorsOf(name: string, change: JsonObject, status?: JsonObject): string[] {
  const { strategy } = kindOf(name);
  const previous = { ...stored(name), ...(status ? { status } : {}) } as KubeObject;
  const next = strategy.applyDefaults(mergePatch(previous as unknown as JsonObject, change) as unknown as KubeObject);
  return texts([...strategy.validate(next, context, previous), ...strategy.validateUpdate(next, previous, context)]);
}

function statusErrorsOf(name: string, status: JsonObject, previous: JsonObject = {}, change?: JsonObject): string[] {
  const object = stored(name, change);
  const next = { ...object, status } as KubeObject;
  return texts(
    kindOf(name).strategy.validateStatusUpdate(next, { ...object, status: previous } as KubeObject, context),
  );
}

it.each([...samples.keys()])("the sample of %s is fine, and an update of it that changes nothing", (name) => {
  expect(errorsOf(name, { metadata: { namespace: "default" } })).toEqual([]);
  expect(updateErrorsOf(name, {})).toEqual([]);
});

const labels = { app: "web" };
const always = { spec: { containers: [{ name: "main", image: "nginx" }], restartPolicy: "Always" } };

describe.each<[string, readonly (readonly [string, JsonObject, readonly string[]])[]]>([
  [
    "apps/v1/StatefulSet",
    [
      [
        "another management",
        { spec: { podManagementPolicy: "Fast" } },
        [`spec.podManagementPolicy: Invalid value: "Fast": must be 'OrderedReady' or 'Parallel'`],
      ],
      [
        "another strategy",
        { spec: { updateStrategy: { type: "Recreate" } } },
        [`spec.updateStrategy: Invalid value: {"type":"Recreate"}: must be 'RollingUpdate' or 'OnDelete'`],
      ],
      [
        "a partition without roll-outs",
        { spec: { updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } } },
        [
          `spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy 'RollingUpdate'`,
        ],
      ],
      [
        "a negative partition and nothing unavailable",
        { spec: { updateStrategy: { rollingUpdate: { partition: -1, maxUnavailable: 0 } } } },
        [
          "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
          "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0",
        ],
      ],
      [
        "negative numbers",
        { spec: { replicas: -1, minReadySeconds: -2, ordinals: { start: -3 } } },
        [
          "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
          "spec.minReadySeconds: Invalid value: -2: must be greater than or equal to 0",
          "spec.ordinals.start: Invalid value: -3: must be greater than or equal to 0",
        ],
      ],
      [
        "claims kept for a while",
        { spec: { persistentVolumeClaimRetentionPolicy: { whenScaled: "Archive" } } },
        [
          'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Archive": supported values: "Retain", "Delete"',
        ],
      ],
      [
        "no selector",
        { spec: { selector: null } },
        [
          "spec.selector: Required value",
          'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
        ],
      ],
      [
        "an empty selector",
        { spec: { selector: { matchLabels: null } } },
        ["spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
      ],
      [
        "pods that end",
        { spec: { template: { spec: { restartPolicy: "Never", activeDeadlineSeconds: 1 } } } },
        [
          'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
          "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported",
        ],
      ],
    ],
  ],
  [
    "apps/v1/DaemonSet",
    [
      [
        "another strategy",
        { spec: { updateStrategy: { type: "Fast" } } },
        [
          'spec.updateStrategy: Unsupported value: {"Type":"Fast","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"',
        ],
      ],
      [
        "surge and unavailability",
        { spec: { updateStrategy: { rollingUpdate: { maxSurge: 1 } } } },
        [
          "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
        ],
      ],
      [
        "neither surge nor unavailability",
        { spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } } },
        ["spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"],
      ],
      [
        "too much",
        { spec: { updateStrategy: { rollingUpdate: { maxUnavailable: "101%" } } } },
        ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
      ],
      [
        "an empty selector",
        { spec: { selector: { matchLabels: null } } },
        ["spec.selector: Invalid value: {}: empty selector is invalid for daemonset"],
      ],
      [
        "a negative history",
        { spec: { revisionHistoryLimit: -1 } },
        ["spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0"],
      ],
    ],
  ],
  [
    "apps/v1/ControllerRevision",
    [
      [
        "nothing in it",
        { data: null, revision: -1 },
        ["data: Required value: data is mandatory", "revision: Invalid value: -1: must be greater than or equal to 0"],
      ],
    ],
  ],
  ["v1/PodTemplate", [["no containers", { template: null }, ["template.spec.containers: Required value"]]]],
  [
    "v1/ReplicationController",
    [
      ["no template", { spec: { template: null } }, ["spec.selector: Required value", "spec.template: Required value"]],
      [
        "another selector",
        { spec: { selector: { app: "db" } } },
        ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
      ],
      [
        "pods that end",
        { spec: { template: { spec: { restartPolicy: "Never" } } } },
        ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
      ],
    ],
  ],
  [
    "batch/v1/Job",
    [
      [
        "pods that never end",
        { spec: { template: always } },
        ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
      ],
      [
        "negative numbers",
        { spec: { parallelism: -1, completions: -2, backoffLimit: -3 } },
        [
          "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
          "spec.completions: Invalid value: -2: must be greater than or equal to 0",
          "spec.backoffLimit: Invalid value: -3: must be greater than or equal to 0",
        ],
      ],
      [
        "indexes without a number",
        { spec: { completionMode: "Indexed", parallelism: 1 } },
        ["spec.completions: Required value: when completion mode is Indexed"],
      ],
      [
        "limits for indexes that it has not",
        { spec: { backoffLimitPerIndex: 1, maxFailedIndexes: 1 } },
        [
          "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
          "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode",
        ],
      ],
      [
        "another mode",
        { spec: { completionMode: "Random" } },
        ['spec.completionMode: Unsupported value: "Random": supported values: "NonIndexed", "Indexed"'],
      ],
      [
        "a selector of its own",
        { spec: { selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "x" } } } },
        [
          'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"x"}}: `selector` not auto-generated',
          expect.stringContaining("`selector` does not match template `labels`") as unknown as string,
        ],
      ],
      [
        "a manual selector that is not there",
        { spec: { manualSelector: true } },
        [
          "spec.selector: Required value",
          "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
        ],
      ],
      [
        "a failure policy that restarts",
        {
          spec: {
            podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [1] } }] },
            template: { spec: { restartPolicy: "OnFailure" } },
          },
        },
        [
          'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
        ],
      ],
      [
        "a broken failure policy",
        {
          spec: {
            podFailurePolicy: {
              rules: [
                { action: "Stop" },
                { action: "Count", onExitCodes: { operator: "In", values: [2, 0, 0], containerName: "x" } },
              ],
            },
          },
        },
        [
          'spec.podFailurePolicy.rules[0].action: Unsupported value: "Stop": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
          "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
          'spec.podFailurePolicy.rules[1].onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template',
          "spec.podFailurePolicy.rules[1].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
          "spec.podFailurePolicy.rules[1].onExitCodes.values[2]: Invalid value: 0: must not be 0 for the In operator",
          "spec.podFailurePolicy.rules[1].onExitCodes.values[2]: Duplicate value: 0",
          "spec.podFailurePolicy.rules[1].onExitCodes.values: Invalid value: [2,0,0]: must be ordered",
        ],
      ],
      [
        "a success of too many",
        {
          spec: {
            completionMode: "Indexed",
            completions: 3,
            successPolicy: { rules: [{ succeededIndexes: "0,2-9", succeededCount: 5 }] },
          },
        },
        [
          'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,2-9": error parsing succeededIndexes: too large index: "9"',
          "spec.successPolicy.rules[0].succeededCount: Invalid value: 5: must be less than or equal to 3 (the number of specified completions)",
          "spec.successPolicy.rules[0].succeededCount: Invalid value: 5: must be less than or equal to 0 (the number of indexes in the specified succeededIndexes field)",
        ],
      ],
      [
        "a manager without a domain",
        { spec: { managedBy: "me" } },
        ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
      ],
      [
        "another replacement",
        { spec: { podReplacementPolicy: "Never" } },
        ['spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"'],
      ],
    ],
  ],
  [
    "batch/v1/CronJob",
    [
      ["no schedule", { spec: { schedule: null } }, ["spec.schedule: Required value"]],
      [
        "too few fields",
        { spec: { schedule: "* *" } },
        ['spec.schedule: Invalid value: "* *": expected exactly 5 fields, found 2: [* *]'],
      ],
      [
        "a minute too many",
        { spec: { schedule: "60 * * * *" } },
        ['spec.schedule: Invalid value: "60 * * * *": end of range (60) above maximum (59): 60'],
      ],
      [
        "a schedule with a zone",
        { spec: { schedule: "TZ=UTC 0 * * * *" } },
        [
          'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
        ],
      ],
      [
        "an unknown zone",
        { spec: { timeZone: "Europe/Nowhere" } },
        ['spec.timeZone: Invalid value: "Europe/Nowhere": unknown time zone Europe/Nowhere'],
      ],
      [
        "the zone of the machine",
        { spec: { timeZone: "local" } },
        [
          'spec.timeZone: Invalid value: "local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
        ],
      ],
      [
        "another policy",
        { spec: { concurrencyPolicy: "Queue" } },
        ['spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"'],
      ],
      [
        "a selector",
        { spec: { jobTemplate: { spec: { selector: { matchLabels: labels }, manualSelector: true } } } },
        [
          'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: `selector` will be auto-generated',
          'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
        ],
      ],
      [
        "a name too long for its jobs",
        { metadata: { name: "a".repeat(53) } },
        [`metadata.name: Invalid value: "${"a".repeat(53)}": must be no more than 52 characters`],
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
])("%s", (name, cases) => {
  it.each(cases)("is refused with %s", (_, change, errors) => {
    expect(errorsOf(name, change)).toEqual(errors);
  });
});

describe("what may not change", () => {
  it.each<[string, string, JsonObject, readonly string[]]>([
    [
      "a stateful set's service",
      "apps/v1/StatefulSet",
      { spec: { serviceName: "other" } },
      [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ],
    ],
    ["a stateful set's replicas, which may", "apps/v1/StatefulSet", { spec: { replicas: 5, minReadySeconds: 1 } }, []],
    [
      "a daemon set's selector",
      "apps/v1/DaemonSet",
      {
        spec: {
          selector: { matchLabels: { app: null, tier: "a" } },
          template: { metadata: { labels: { tier: "a" } } },
        },
      },
      ['spec.selector: Invalid value: {"matchLabels":{"tier":"a"}}: field is immutable'],
    ],
    [
      "a revision's data",
      "apps/v1/ControllerRevision",
      { data: { spec: 1 } },
      ['data: Invalid value: {"spec":1}: field is immutable'],
    ],
    [
      "a job's completions",
      "batch/v1/Job",
      { spec: { completions: 2 } },
      ["spec.completions: Invalid value: 2: field is immutable"],
    ],
    ["a job's parallelism, which may", "batch/v1/Job", { spec: { parallelism: 2, suspend: true } }, []],
    [
      "a quota's scopes",
      "v1/ResourceQuota",
      { spec: { scopes: ["Terminating"] } },
      ['spec.scopes: Invalid value: ["Terminating"]: field is immutable'],
    ],
    [
      "a volume's source",
      "v1/PersistentVolume",
      { spec: { hostPath: { path: "/other" } } },
      ["spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation"],
    ],
    [
      "a claim's class",
      "v1/PersistentVolumeClaim",
      { spec: { accessModes: ["ReadOnlyMany"] } },
      [
        "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
      ],
    ],
    [
      "a claim's volume, which may be named once",
      "v1/PersistentVolumeClaim",
      { spec: { volumeName: "v", storageClassName: "fast" } },
      [],
    ],
  ])("%s", (_, name, change, errors) => {
    expect(updateErrorsOf(name, change)).toEqual(errors);
  });

  it("a bound claim grows, and shrinks no further than to more than it has", () => {
    const bound = { phase: "Bound", capacity: { storage: "1Gi" } };
    const resize = (storage: string) =>
      updateErrorsOf("v1/PersistentVolumeClaim", { spec: { resources: { requests: { storage } } } }, bound);
    expect(resize("2Gi")).toEqual([]);
    expect(resize("1Mi")).toEqual([
      "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
    ]);
  });

  it("a suspended job's pods may be sent elsewhere, and made no other", () => {
    const { strategy } = kindOf("batch/v1/Job");
    const previous = stored("batch/v1/Job", { spec: { suspend: true } });
    const change = (spec: JsonObject) =>
      mergePatch(previous as unknown as JsonObject, { spec: { template: { spec } } });
    const update = (spec: JsonObject) => texts(strategy.validateUpdate(change(spec) as never, previous, context));
    expect(update({ nodeSelector: { a: "b" }, tolerations: [{ operator: "Exists" }] })).toEqual([]);
    expect(update({ hostNetwork: true })).toHaveLength(1);
  });
});

describe("what a status may say", () => {
  const complete = (type: string) => ({ type, status: "True" });
  const time = "2026-01-31T12:00:00Z";
  it.each<[string, string, JsonObject, readonly string[], JsonObject?]>([
    [
      "more ready than there are",
      "apps/v1/StatefulSet",
      { replicas: 1, readyReplicas: 2 },
      ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"],
    ],
    [
      "fewer collisions than before",
      "apps/v1/DaemonSet",
      { collisionCount: 1 },
      ["status.collisionCount: Invalid value: 1: cannot be decremented"],
      { collisionCount: 2 },
    ],
    [
      "more available than ready",
      "apps/v1/Deployment",
      { replicas: 2, availableReplicas: 1 },
      ["status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas"],
    ],
    [
      "more labelled than there are",
      "v1/ReplicationController",
      { replicas: 1, fullyLabeledReplicas: 2 },
      ["status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas"],
    ],
    [
      "less than nothing",
      "policy/v1/PodDisruptionBudget",
      { disruptionsAllowed: -1 },
      ["status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0"],
    ],
    [
      "a capacity below nothing",
      "v1/PersistentVolumeClaim",
      { capacity: { storage: "-1" } },
      ['status.capacity[storage]: Invalid value: "-1": must be a valid resource quantity'],
    ],
    [
      "complete without having met its criteria",
      "batch/v1/Job",
      { conditions: [complete("Complete")], startTime: time, completionTime: time },
      [
        "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
      ],
    ],
    [
      "complete with pods that run",
      "batch/v1/Job",
      {
        conditions: [complete("Complete"), complete("SuccessCriteriaMet")],
        startTime: time,
        completionTime: time,
        active: 1,
      },
      ["status.active: Invalid value: 1: active>0 is invalid for finished job"],
    ],
    [
      "complete no longer",
      "batch/v1/Job",
      {},
      ["status.conditions: Invalid value: cannot disable the terminal Complete=True condition"],
      { conditions: [complete("Complete")] },
    ],
    [
      "fewer failures than before",
      "batch/v1/Job",
      { failed: 1 },
      ["status.failed: Invalid value: 1: cannot decrease the failed counter"],
      { failed: 2 },
    ],
    [
      "indexes that it has not",
      "batch/v1/Job",
      { completedIndexes: "0" },
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
      ],
    ],
    [
      "complete",
      "batch/v1/Job",
      {
        conditions: [complete("Complete"), complete("SuccessCriteriaMet")],
        startTime: time,
        completionTime: time,
        succeeded: 1,
      },
      [],
    ],
  ])("%s", (_, name, status, errors, previous) => {
    expect(statusErrorsOf(name, status, previous)).toEqual(errors);
  });
});
