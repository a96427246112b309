import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { applyMergePatch as mergePatch } from "../../../core/api/patch/mod.ts";
import type { PodTemplateSpec } from "../../../core/kinds/mod.ts";
import { sameTemplate } from "../../../core/kinds/same_template.ts";
import { context, kindOf, statusErrorsOf, stored, texts, updateErrorsOf } from "./_refusals.ts";

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
      "a pod's namespaces, which may be said not to be the host's",
      "v1/Pod",
      { spec: { hostPID: false, hostNetwork: false, containers: [{ name: "main", image: "nginx:1.27", tty: false }] } },
      [],
    ],
    [
      "a job's template, which may say so, too",
      "batch/v1/Job",
      { spec: { template: { spec: { hostIPC: false } } } },
      [],
    ],
    [
      "whether a pod has a token, which is not the same as not to say",
      "v1/Pod",
      { spec: { automountServiceAccountToken: false } },
      [
        expect.stringMatching(
          /^spec: Forbidden: .*\nchanged: spec\.automountServiceAccountToken$/,
        ) as unknown as string,
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

it("a volume takes another class of attributes, and no longer goes without one", () => {
  const csi = { driver: "d", volumeHandle: "h" };
  const { strategy } = kindOf("v1/PersistentVolume");
  const of = (volumeAttributesClassName: string | null) =>
    stored("v1/PersistentVolume", { spec: { hostPath: null, csi, volumeAttributesClassName } });
  const update = (next: string | null, previous: string | null) =>
    texts(strategy.validateUpdate(of(next), of(previous), context));
  expect([update("fast", null), update("fast", "slow")]).toEqual([[], []]);
  expect(update(null, "slow")).toEqual([
    "spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden",
  ]);
});

it("templates are the same where one says by false what the other leaves out", () => {
  const template = (more: JsonObject, spec: JsonObject = {}) =>
    ({ spec: { containers: [{ name: "main", image: "nginx", ...more }], ...spec } }) as unknown as PodTemplateSpec;
  const mounts = (readOnly?: boolean) => ({ volumeMounts: [{ name: "a", mountPath: "/a", readOnly }] }) as JsonObject;
  expect(sameTemplate(template(mounts()), template(mounts(false)))).toBe(true);
  expect(sameTemplate(template(mounts()), template(mounts(true)))).toBe(false);
  expect(sameTemplate(template({}), template({}, { hostNetwork: false }))).toBe(true);
  expect(sameTemplate(template({}), template({}, { enableServiceLinks: false }))).toBe(false);
});

it("a volume that was stored without the defaults of its source may be written with them", () => {
  const { strategy } = kindOf("v1/PersistentVolume");
  const of = (iscsi: JsonObject) => stored("v1/PersistentVolume", { spec: { hostPath: null, iscsi } });
  const complete = of({ lun: 1 });
  const before = mergePatch(complete as never, { spec: { iscsi: { iscsiInterface: null } } }) as never;
  expect(texts(strategy.validateUpdate(complete, before, context))).toEqual([]);
  expect(texts(strategy.validateUpdate(of({ lun: 2 }), before, context))).toEqual([
    "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
  ]);
});
