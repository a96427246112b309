import { expect } from "vitest";
import { describeRefusals } from "./_refusals.ts";

const labels = { app: "web" };
const always = { spec: { containers: [{ name: "main", image: "nginx" }], restartPolicy: "Always" } };

describeRefusals([
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
]);
