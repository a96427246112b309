import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import type {
  APIService,
  EventV1,
  FlowSchema,
  Lease,
  PriorityLevelConfiguration,
  ResourceClaim,
  ResourceSlice,
} from "../../../core/kinds/mod.ts";
import {
  apiService,
  event,
  eventV1,
  flowSchema,
  lease,
  priorityLevelConfiguration,
  resourceClaim,
  resourceSlice,
} from "../../../core/kinds/mod.ts";
import { cellsOf, errorsOf, now, updateErrorsOf } from "./fixtures.ts";

const metadata = { name: "a", namespace: "default", creationTimestamp: "2026-01-31T11:59:00Z" };

describe("API service", () => {
  const of = (spec: JsonObject = {}, name = "v1.example.com") =>
    ({
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name, creationTimestamp: metadata.creationTimestamp },
      spec: { group: "example.com", version: "v1", groupPriorityMinimum: 100, versionPriority: 10, ...spec },
    }) as unknown as APIService;

  it.each<[JsonObject, string, string[]]>([
    [{}, "v1.example.com", []],
    [{}, "x", ['metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.example.com"']],
    [
      { groupPriorityMinimum: 0 },
      "v1.example.com",
      ["spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000"],
    ],
    [
      { versionPriority: 1001 },
      "v1.example.com",
      ["spec.versionPriority: Invalid value: 1001: must be positive and less than 1000"],
    ],
    [
      { insecureSkipTLSVerify: true },
      "v1.example.com",
      ["spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify"],
    ],
    [{ service: { name: "s" } }, "v1.example.com", ["spec.service.namespace: Required value"]],
  ])("%j as %s is checked", (spec, name, errors) => {
    expect(errorsOf(apiService, of(spec, name))).toEqual(errors);
  });

  it("what is served here is available at once; columns are kubectl's", () => {
    const user = { username: "ann", groups: [] };
    const local = apiService.strategy.stamp(of(), { user, now });
    expect(cellsOf(apiService, local)).toEqual({
      Name: "v1.example.com",
      Service: "Local",
      Available: "True",
      Age: "60s",
    });
    const remote = of({ service: { namespace: "n", name: "s" } });
    expect(apiService.strategy.stamp(remote, { user, now })).toBe(remote);
    expect(cellsOf(apiService, remote)).toMatchObject({ Service: "n/s", Available: "Unknown" });
  });
});

describe("flow control", () => {
  const group = "flowcontrol.apiserver.k8s.io/v1";
  const schema = (spec: JsonObject) =>
    ({
      apiVersion: group,
      kind: "FlowSchema",
      metadata,
      spec: { priorityLevelConfiguration: { name: "p" }, ...spec },
    }) as unknown as FlowSchema;
  const level = (spec: JsonObject) =>
    ({
      apiVersion: group,
      kind: "PriorityLevelConfiguration",
      metadata,
      spec,
    }) as unknown as PriorityLevelConfiguration;

  it.each<[JsonObject, string[]]>([
    [{}, []],
    [
      { matchingPrecedence: 1 },
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [
      { priorityLevelConfiguration: {} },
      ["spec.priorityLevelConfiguration.name: Required value: must reference a priority level"],
    ],
    [
      { rules: [{ subjects: [{ kind: "User" }] }] },
      [
        "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
        "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
      ],
    ],
    [
      {
        rules: [
          {
            subjects: [{ kind: "Group", group: { name: "g" } }],
            nonResourceRules: [{ verbs: ["go"], nonResourceURLs: ["a"] }],
          },
        ],
      },
      [
        'spec.rules[0].nonResourceRules[0].verbs: Unsupported value: ["go"]: supported values: "connect", "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "a": must start with slash',
      ],
    ],
  ])("the schema %j is checked", (spec, errors) => {
    expect(errorsOf(flowSchema, schema(spec))).toEqual(errors);
  });

  it("a level has queues by default, and as many as it deals", () => {
    const queued = level({ type: "Limited", limited: { limitResponse: { type: "Queue", queuing: {} } } });
    expect(priorityLevelConfiguration.strategy.applyDefaults(queued).spec.limited).toEqual({
      nominalConcurrencyShares: 30,
      lendablePercent: 0,
      limitResponse: { type: "Queue", queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
    });
    const few = level({
      type: "Limited",
      limited: { limitResponse: { type: "Queue", queuing: { queues: 2, handSize: 3 } } },
    });
    expect(errorsOf(priorityLevelConfiguration, few)).toEqual([
      "spec.limited.limitResponse.queuing.handSize: Invalid value: 3: should not be greater than queues (2)",
    ]);
    expect(errorsOf(priorityLevelConfiguration, level({ type: "Exempt" }))).toEqual([
      `spec.type: Invalid value: "Exempt": type must be 'Exempt' if and only if name is 'exempt'`,
    ]);
  });

  it("columns are kubectl's", () => {
    expect(cellsOf(flowSchema, flowSchema.strategy.applyDefaults(schema({})))).toEqual({
      Name: "a",
      PriorityLevel: "p",
      MatchingPrecedence: 1000,
      DistinguisherMethod: "<none>",
      Age: "60s",
      MissingPL: "?",
    });
    expect(cellsOf(priorityLevelConfiguration, level({ type: "Limited", limited: {} }))).toMatchObject({
      Type: "Limited",
      NominalConcurrencyShares: "<none>",
      Queues: "<none>",
    });
  });
});

describe("event of its own group", () => {
  const of = (more: JsonObject = {}) =>
    ({
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata,
      eventTime: "2026-01-31T11:59:30.000000Z",
      type: "Normal",
      reason: "Pulled",
      action: "Pull",
      reportingController: "kubelet",
      reportingInstance: "n1",
      regarding: { kind: "Pod", namespace: "default", name: "web" },
      note: "done",
      ...more,
    }) as unknown as EventV1;

  it("is the core group's under other names, and back", async () => {
    const { storedAs } = eventV1;
    const [stored] = (await storedAs?.toStored([of()])) ?? [];
    expect(stored).toMatchObject({
      apiVersion: "v1",
      involvedObject: { name: "web" },
      message: "done",
      reportingComponent: "kubelet",
    });
    expect(await storedAs?.fromStored(stored ? [stored] : [])).toEqual([{ ...of(), deprecatedSource: {} }]);
    expect(errorsOf(event, stored as never)).toEqual([]);
  });

  it.each<[JsonObject, string[]]>([
    [{}, []],
    [{ eventTime: null }, ["eventTime: Required value"]],
    [{ type: "Odd" }, ['type: Invalid value: "": has invalid value: Odd']],
    [
      { reportingController: "" },
      [
        "reportingController: Required value",
        expect.stringContaining("reportingController: Invalid value"),
        expect.stringContaining("reportingController: Invalid value"),
      ] as string[],
    ],
    [
      { deprecatedCount: 2, deprecatedSource: { component: "x" } },
      ['count: Invalid value: "": needs to be unset', 'source: Invalid value: "": needs to be unset'],
    ],
    [
      { series: { count: 1 } },
      ['series.count: Invalid value: "": should be at least 2', "series.lastObservedTime: Required value"],
    ],
    [{ regarding: { namespace: "b" } }, []],
  ])("%j is checked", (more, errors) => {
    expect(errorsOf(eventV1, of(more))).toEqual(errors);
  });

  it("only its series goes on; fields and columns are kubectl's", () => {
    const series = { count: 2, lastObservedTime: "2026-01-31T11:59:40.000000Z" };
    expect(updateErrorsOf(eventV1, of({ series }), of())).toEqual([]);
    expect(updateErrorsOf(eventV1, of({ note: "other" }), of())).toEqual([
      'message: Invalid value: "other": field is immutable',
    ]);
    expect(eventV1.strategy.fields(of())).toMatchObject({ "regarding.name": "web", reportingController: "kubelet" });
    expect(cellsOf(eventV1, of())).toMatchObject({ "Last Seen": "30s", Object: "pod/web", Message: "done" });
  });
});

describe("leases and claims for devices", () => {
  it("a lease's strategy is known, and needed for whom it prefers", () => {
    const of = (spec: Lease["spec"]): Lease => ({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata,
      ...(spec ? { spec } : {}),
    });
    expect(errorsOf(lease, of({ preferredHolder: "x" }))).toEqual([
      "spec.preferredHolder: Forbidden: may only be specified when `strategy` is defined",
    ]);
    expect(errorsOf(lease, of({ strategy: "Best", preferredHolder: "x" }))).toEqual([
      'spec.strategy: Unsupported value: "Best": supported values: "OldestEmulationVersion"',
    ]);
    expect(errorsOf(lease, of({ strategy: "example.com/Best" }))).toEqual([]);
  });

  it("a claim asks for one of a class by default, and stays as it is", () => {
    const of = (...requests: JsonObject[]) =>
      ({
        apiVersion: "resource.k8s.io/v1",
        kind: "ResourceClaim",
        metadata,
        spec: { devices: { requests } },
      }) as unknown as ResourceClaim;
    const fine = of({ name: "gpu", exactly: { deviceClassName: "c" } });
    expect(resourceClaim.strategy.applyDefaults(fine).spec.devices?.requests?.[0]?.exactly).toEqual({
      deviceClassName: "c",
      allocationMode: "ExactCount",
      count: 1,
    });
    expect(errorsOf(resourceClaim, fine)).toEqual([]);
    expect(errorsOf(resourceClaim, of({ name: "gpu" }, { name: "gpu", exactly: {} }))).toEqual([
      "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
      "spec.devices.requests[1].exactly.deviceClassName: Required value",
      'spec.devices.requests[1].name: Duplicate value: "gpu"',
    ]);
    expect(updateErrorsOf(resourceClaim, of(), fine)).toHaveLength(1);
    expect(cellsOf(resourceClaim, fine)).toMatchObject({ State: "pending" });
    expect(
      cellsOf(resourceClaim, {
        ...fine,
        status: { allocation: {}, reservedFor: [{ resource: "pods", name: "p", uid: "1" }] },
      }),
    ).toMatchObject({
      State: "allocated,reserved",
    });
  });

  it("a slice is in one place, and found by node and driver", () => {
    const of = (spec: JsonObject) =>
      ({
        apiVersion: "resource.k8s.io/v1",
        kind: "ResourceSlice",
        metadata: { name: "a" },
        spec: { driver: "d", pool: { name: "p", resourceSliceCount: 1 }, ...spec },
      }) as unknown as ResourceSlice;
    const oneOf = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    expect(errorsOf(resourceSlice, of({ nodeName: "n" }))).toEqual([]);
    expect(errorsOf(resourceSlice, of({}))).toEqual([`spec: Required value: ${oneOf}`]);
    expect(errorsOf(resourceSlice, of({ nodeName: "n", allNodes: true }))).toEqual([
      `spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${oneOf}, but multiple fields are set`,
    ]);
    expect(resourceSlice.strategy.fields(of({ nodeName: "n" }))).toEqual({ "spec.nodeName": "n", "spec.driver": "d" });
  });
});
