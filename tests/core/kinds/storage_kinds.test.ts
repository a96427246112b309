import { describe, expect, it } from "vitest";
import type { Kind } from "../../../core/api/kind.ts";
import type { JsonObject, KubeObject } from "../../../core/api/meta.ts";
import {
  csiDriver,
  csiNode,
  csiStorageCapacity,
  priorityClass,
  runtimeClass,
  storageClass,
  volumeAttachment,
  volumeAttributesClass,
} from "../../../core/kinds/mod.ts";
import { cellsOf, errorsOf, updateErrorsOf } from "./fixtures.ts";

const metadata = { name: "a", creationTimestamp: "2026-01-31T11:59:00Z" };

/** An object of a kind, typed as the kind's own. */
function make<T extends KubeObject>(
  { kind, group, version }: Kind<T>,
  more: JsonObject,
  named: JsonObject = metadata,
): T {
  return { apiVersion: `${group}/${version}`, kind, metadata: named, ...more } as unknown as T;
}

describe("storage class", () => {
  const of = (more: JsonObject = {}) => make(storageClass, { provisioner: "example.com/p", ...more });

  it.each<[JsonObject, string[]]>([
    [{}, []],
    [{ provisioner: "" }, ["provisioner: Required value"]],
    [
      { reclaimPolicy: "Recycle" },
      ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
    ],
    [
      { volumeBindingMode: "Later" },
      ['volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"'],
    ],
    [{ parameters: { "": "x" } }, ['parameters: Invalid value: "": field can not be empty.']],
    [
      { allowedTopologies: [{ matchLabelExpressions: [{ key: "zone", values: [] }] }] },
      ["allowedTopologies[0].matchLabelExpressions[0].values: Required value"],
    ],
  ])("%j is checked", (more, errors) => {
    expect(errorsOf(storageClass, of(more))).toEqual(errors);
  });

  it("provisioner, parameters and policies stay", () => {
    const next = of({
      provisioner: "x",
      parameters: { a: "b" },
      reclaimPolicy: "Retain",
      volumeBindingMode: "WaitForFirstConsumer",
    });
    expect(updateErrorsOf(storageClass, next, of())).toEqual([
      "parameters: Forbidden: updates to parameters are forbidden.",
      "provisioner: Forbidden: updates to provisioner are forbidden.",
      "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]);
  });

  it("columns are kubectl's, and say which is the default", () => {
    const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
    const object = storageClass.strategy.applyDefaults({ ...of(), metadata: { ...metadata, annotations } });
    expect(cellsOf(storageClass, object)).toEqual({
      Name: "a (default)",
      Provisioner: "example.com/p",
      ReclaimPolicy: "Delete",
      VolumeBindingMode: "Immediate",
      AllowVolumeExpansion: "false",
      Age: "60s",
    });
  });
});

describe("CSI kinds", () => {
  it("a driver's defaults, checks and columns are Kubernetes'", () => {
    const of = (spec: JsonObject) => make(csiDriver, { spec });
    const filled = csiDriver.strategy.applyDefaults(of({}));
    expect(filled.spec).toEqual({
      attachRequired: true,
      podInfoOnMount: false,
      volumeLifecycleModes: ["Persistent"],
      storageCapacity: false,
      fsGroupPolicy: "ReadWriteOnceWithFSType",
      requiresRepublish: false,
      seLinuxMount: false,
    });
    expect(
      errorsOf(csiDriver, of({ tokenRequests: [{ audience: "a", expirationSeconds: 1 }, { audience: "a" }] })),
    ).toEqual([
      "spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes",
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
    ]);
    expect(updateErrorsOf(csiDriver, of({ attachRequired: false }), of({}))).toEqual([
      "spec.attachedRequired: Invalid value: false: field is immutable",
    ]);
    expect(cellsOf(csiDriver, filled)).toEqual({
      Name: "a",
      AttachRequired: true,
      PodInfoOnMount: false,
      StorageCapacity: false,
      TokenRequests: "<unset>",
      RequiresRepublish: false,
      Modes: "Persistent",
      Age: "60s",
    });
  });

  it("a node's drivers are unique, and change no more than what they may hold", () => {
    const of = (...drivers: JsonObject[]) => make(csiNode, { spec: { drivers } });
    expect(errorsOf(csiNode, of({ name: "d", nodeID: "" }, { name: "d", nodeID: "n" }))).toEqual([
      "spec.drivers[0].nodeID: Required value",
      'spec.drivers[1].name: Duplicate value: "d"',
    ]);
    const old = of({ name: "d", nodeID: "n" });
    expect(updateErrorsOf(csiNode, of({ name: "d", nodeID: "n", allocatable: { count: 3 } }), old)).toEqual([]);
    expect(updateErrorsOf(csiNode, of({ name: "d", nodeID: "m" }), old)).toEqual([
      'CSINodeDriver: Invalid value: {"name":"d","nodeID":"m"}: field is immutable',
    ]);
    expect(cellsOf(csiNode, old)).toMatchObject({ Drivers: 1 });
  });

  it("capacities are amounts of a class that stays", () => {
    const of = (more: JsonObject) => make(csiStorageCapacity, { storageClassName: "c", ...more });
    expect(errorsOf(csiStorageCapacity, of({ capacity: "-1" }))).toEqual([
      'capacity: Invalid value: "-1": must be greater than or equal to 0',
    ]);
    expect(updateErrorsOf(csiStorageCapacity, of({ storageClassName: "d" }), of({}))).toEqual([
      'storageClassName: Invalid value: "d": field is immutable',
    ]);
    expect(cellsOf(csiStorageCapacity, of({ capacity: "1Gi" }))).toEqual({
      Name: "a",
      StorageClassName: "c",
      Capacity: "1Gi",
    });
  });

  it("an attachment is of one volume, and stays so", () => {
    const of = (spec: JsonObject) => make(volumeAttachment, { spec: { attacher: "d", nodeName: "n", ...spec } });
    const fine = of({ source: { persistentVolumeName: "pv" } });
    expect(errorsOf(volumeAttachment, fine)).toEqual([]);
    expect(errorsOf(volumeAttachment, of({ source: {} }))).toEqual([
      "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
    ]);
    expect(updateErrorsOf(volumeAttachment, of({ source: { persistentVolumeName: "other" } }), fine)).toHaveLength(1);
    const inline = (spec: JsonObject) => errorsOf(volumeAttachment, of({ source: { inlineVolumeSpec: spec } }));
    const csi = { driver: "d", volumeHandle: "h" };
    expect(inline({ accessModes: ["ReadWriteOnce"], csi, persistentVolumeReclaimPolicy: "Retain" })).toEqual([]);
    const at = "spec.source.inlineVolumeSpec";
    const context = "in the context of inline volumes";
    const others = {
      claimRef: { name: "c" },
      capacity: { storage: "1Gi" },
      nodeAffinity: {},
      storageClassName: "fast",
    };
    const more = { persistentVolumeReclaimPolicy: "Delete", volumeMode: "Block", hostPath: { path: "" } };
    expect(inline({ ...others, ...more })).toEqual([
      `${at}.claimRef: Forbidden: may not be specified ${context}`,
      `${at}.capacity: Forbidden: may not be specified ${context}`,
      `${at}.csi: Required value: has to be specified ${context}`,
      `${at}.accessModes: Required value`,
      `${at}.persistentVolumeReclaimPolicy: Forbidden: may only be Retain ${context}`,
      `${at}.nodeAffinity: Forbidden: may not be specified ${context}`,
      `${at}.hostPath.path: Required value`,
      `${at}.storageClassName: Forbidden: may not be specified ${context}`,
      `${at}.volumeMode: Forbidden: may not specify volumeMode other than Filesystem ${context}`,
    ]);
    expect(cellsOf(volumeAttachment, fine)).toEqual({
      Name: "a",
      Attacher: "d",
      PV: "pv",
      Node: "n",
      Attached: false,
      Age: "60s",
    });
  });

  it("a class of attributes has some, and keeps them", () => {
    const of = (parameters: JsonObject) => make(volumeAttributesClass, { driverName: "d", parameters });
    expect(errorsOf(volumeAttributesClass, of({}))).toEqual([
      "parameters: Required value: must contain at least one key/value pair",
    ]);
    expect(updateErrorsOf(volumeAttributesClass, of({ a: "2" }), of({ a: "1" }))).toEqual([
      "parameters: Forbidden: updates to parameters are forbidden.",
    ]);
  });
});

describe("priority class", () => {
  const of = (more: JsonObject, name = "a") => make(priorityClass, { value: 1, ...more }, { ...metadata, name });

  it.each<[JsonObject, string, string[]]>([
    [{}, "a", []],
    [
      { value: 1_000_000_001 },
      "a",
      ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
    ],
    [{ value: 2_000_000_000 }, "system-cluster-critical", []],
    [
      { value: 1 },
      "system-mine",
      [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
      ],
    ],
    [
      { preemptionPolicy: "Always" },
      "a",
      ['preemptionPolicy: Unsupported value: "Always": supported values: "PreemptLowerPriority", "Never"'],
    ],
  ])("%j of %s is checked", (more, name, errors) => {
    expect(errorsOf(priorityClass, of(more, name))).toEqual(errors);
  });

  it("value and policy stay; columns are kubectl's", () => {
    expect(updateErrorsOf(priorityClass, of({ value: 2, preemptionPolicy: "Never" }), of({}))).toEqual([
      "value: Forbidden: may not be changed in an update.",
      'preemptionPolicy: Invalid value: "Never": field is immutable',
    ]);
    expect(cellsOf(priorityClass, of({ preemptionPolicy: "Never" }))).toEqual({
      Name: "a",
      Value: 1,
      "Global-Default": false,
      Age: "60s",
      PreemptionPolicy: "Never",
    });
  });
});

describe("runtime class", () => {
  it("the handler is a label, and stays; overhead and scheduling are checked", () => {
    const of = (more: JsonObject) => make(runtimeClass, { handler: "runc", ...more });
    expect(errorsOf(runtimeClass, of({ overhead: { podFixed: { cpu: "1" } } }))).toEqual([]);
    expect(errorsOf(runtimeClass, of({ handler: "Run_C" }))).toHaveLength(1);
    expect(errorsOf(runtimeClass, of({ scheduling: { tolerations: [{ operator: "Maybe", key: "k" }] } }))).toEqual([
      'scheduling.tolerations.tolerations[0].operator: Unsupported value: "Maybe": supported values: "Equal", "Exists"',
    ]);
    expect(updateErrorsOf(runtimeClass, of({ handler: "kata" }), of({}))).toEqual([
      'handler: Invalid value: "kata": field is immutable',
    ]);
    expect(cellsOf(runtimeClass, of({}))).toEqual({ Name: "a", Handler: "runc", Age: "60s" });
  });
});
