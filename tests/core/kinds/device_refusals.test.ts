import { describe, expect, it } from "vitest";
import { context, describeRefusals, errorsOf, kindOf, statusErrorsOf, stored, updateErrorsOf } from "./_refusals.ts";

const claim = "resource.k8s.io/v1/ResourceClaim";
const slice = "resource.k8s.io/v1/ResourceSlice";
const oneRequest = { name: "a", exactly: { deviceClassName: "c" } };
const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const reference =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
const identifier =
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
const devicePlace =
  "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
const fill = (count: number, of: (index: number) => object) => Array.from({ length: count }, (_, index) => of(index));

describeRefusals([
  [
    claim,
    [
      ["constraints and configurations that are right", withClaim({}), []],
      [
        "names of requests that there are none of",
        withClaim({
          constraints: [{ requests: ["b", "a/x", "a/b/c", "a", "a"], matchAttribute: "example.com/model" }],
        }),
        [
          `spec.devices.constraints[0].requests[0]: Invalid value: "b": ${reference}`,
          `spec.devices.constraints[0].requests[1]: Invalid value: "a/x": ${reference}`,
          `spec.devices.constraints[0].requests[2]: Invalid value: "a/b/c": ${reference}`,
          'spec.devices.constraints[0].requests[4]: Duplicate value: "a"',
        ],
      ],
      [
        "constraints without an attribute, or one of nobody's",
        withClaim({ constraints: [{ requests: ["a"] }, { matchAttribute: "model" }, { distinctAttribute: "d/2x" }] }),
        [
          'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
          'spec.devices.constraints[1].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
          `spec.devices.constraints[2].distinctAttribute: Invalid value: "2x": ${identifier}`,
        ],
      ],
      [
        "configurations for nobody",
        withClaim({
          config: [
            {},
            { requests: ["B"], opaque: { driver: "d" } },
            { opaque: { parameters: "x", driver: "d" } },
            { opaque: { driver: "d", parameters: { a: "x".repeat(10 * 1024) } } },
          ],
        }),
        [
          "spec.devices.config[0].opaque: Required value",
          `spec.devices.config[1].requests[0]: Invalid value: "B": ${label}`,
          `spec.devices.config[1].requests[0]: Invalid value: "B": ${reference}`,
          "spec.devices.config[1].opaque.parameters: Required value",
          'spec.devices.config[2].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
          "spec.devices.config[3].opaque.parameters: Too long: may not be more than 10240 bytes",
        ],
      ],
      [
        "tolerations of another sort",
        withClaim({
          requests: [
            {
              name: "a",
              exactly: {
                deviceClassName: "c",
                tolerations: [
                  { key: "k", operator: "Exists", value: "v" },
                  { key: "k", operator: "Like", effect: "Never" },
                ],
              },
            },
          ],
        }),
        [
          'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`',
          'spec.devices.requests[0].exactly.tolerations[1].operator: Unsupported value: "Like": supported values: "Equal", "Exists"',
          'spec.devices.requests[0].exactly.tolerations[1].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "None"',
        ],
      ],
      [
        "too many",
        withClaim({
          requests: fill(33, (index) => ({ ...oneRequest, name: `r${index}` })),
          constraints: fill(33, () => ({ matchAttribute: "example.com/a" })),
          config: fill(33, () => ({})),
        }),
        ["requests", "constraints", "config"].map(
          (list) => `spec.devices.${list}: Too many: 33: must have at most 32 items`,
        ),
      ],
    ],
  ],
  [
    "resource.k8s.io/v1/ResourceClaimTemplate",
    [
      [
        "labels of the claims and requests that are wrong",
        {
          spec: {
            metadata: { labels: { "a b": "c" } },
            spec: { devices: { requests: [{ ...oneRequest, name: "a" }], config: [{}] } },
          },
        },
        [
          `spec.metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
          "spec.spec.devices.config[0].opaque: Required value",
        ],
      ],
    ],
  ],
  [
    "resource.k8s.io/v1/DeviceClass",
    [
      [
        "configurations and resources of nobody's",
        { spec: { config: [{ opaque: { driver: "", parameters: [] } }], extendedResourceName: "cpu" } },
        [
          "spec.config[0].opaque.driver: Required value",
          'spec.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
          'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
        ],
      ],
      ["an extended resource", { spec: { extendedResourceName: "example.com/gpu" } }, []],
    ],
  ],
  [
    slice,
    [
      [
        "a device that is right",
        withDevice({
          attributes: { model: { string: "x" }, "example.com/driver": { version: "1.2.3-a.1+b" }, n: { ints: [1, 2] } },
          capacity: { memory: { value: "80Gi" } },
          taints: [{ key: "example.com/broken", effect: "None" }],
        }),
        [],
      ],
      [
        "attributes that are none, or two, or long, or no version",
        withDevice({
          attributes: {
            a: {},
            b: { bool: true, int: 1 },
            c: { string: "x".repeat(65) },
            d: { version: "1.2" },
            "e/f/g": { bools: [] },
          },
        }),
        [
          'spec.devices[0].attributes[a]: Invalid value: "": exactly one value must be specified',
          'spec.devices[0].attributes[b]: Invalid value: {"bool":true,"int":1}: exactly one value must be specified',
          "spec.devices[0].attributes[c].string: Too long: may not be more than 64 bytes",
          'spec.devices[0].attributes[d].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0',
          'spec.devices[0].attributes: Invalid value: "e/f/g": must not contain more than one slash',
          "spec.devices[0].attributes[e/f/g].bools: Invalid value: []: must not be empty if specified",
        ],
      ],
      [
        "too many attributes and capacities",
        withDevice({
          attributes: Object.fromEntries(fill(32, () => ({})).map((_, index) => [`a${index}`, { int: index }])),
          capacity: { memory: { value: "1Gi" } },
        }),
        ["spec.devices[0]: Invalid value: 33: the total number of attributes and capacities must not exceed 32"],
      ],
      [
        "a policy of a capacity that is not shared",
        withDevice({ capacity: { memory: { value: "1Gi", requestPolicy: { default: "1Gi", validValues: ["1Gi"] } } } }),
        ["spec.devices[0].capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true"],
      ],
      [
        "policies that give out what there is not",
        withDevice({
          allowMultipleAllocations: true,
          capacity: {
            a: { value: "10", requestPolicy: { validValues: ["1"], validRange: { min: "1" } } },
            b: { value: "10", requestPolicy: { validValues: ["1"] } },
            c: { value: "10", requestPolicy: { default: "3", validValues: ["4", "2", "11"] } },
            d: { value: "10", requestPolicy: { default: "1", validRange: { min: "2", max: "12", step: "3" } } },
            e: { value: "10", requestPolicy: { default: "1", validRange: {} } },
          },
        }),
        [
          'spec.devices[0].capacity[a].requestPolicy: Forbidden: exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
          "spec.devices[0].capacity[b].requestPolicy.default: Required value: required when validValues is defined",
          'spec.devices[0].capacity[c].requestPolicy.validValues[1]: Invalid value: "2": values must be sorted in ascending order',
          'spec.devices[0].capacity[c].requestPolicy.validValues[2]: Invalid value: "11": option is larger than capacity value: 10',
          'spec.devices[0].capacity[c].requestPolicy.validValues: Invalid value: "3": default value is not valid according to the requestPolicy',
          'spec.devices[0].capacity[d].requestPolicy.validRange.default: Invalid value: "1": default is less than min: 2',
          'spec.devices[0].capacity[d].requestPolicy.validRange.max: Invalid value: "12": max is larger than capacity value: 10',
          'spec.devices[0].capacity[d].requestPolicy.validRange.step: Invalid value: "1": value is not a multiple of a given step (3) from (2)',
          'spec.devices[0].capacity[d].requestPolicy.validRange.step: Invalid value: "12": value is not a multiple of a given step (3) from (2)',
          "spec.devices[0].capacity[e].requestPolicy.validRange.min: Required value: required when validRange is defined",
        ],
      ],
      [
        "taints without an effect, and counters of no set",
        withDevice({
          taints: [{ key: "k", value: "v" }],
          consumesCounters: [{ counters: {} }, { counterSet: "s", counters: { A: { value: "1" } } }],
        }),
        [
          "spec.devices[0].taints[0].effect: Required value",
          "spec.devices[0].consumesCounters[0].counterSet: Required value",
          "spec.devices[0].consumesCounters[0].counters: Required value",
          `spec.devices[0].consumesCounters[1].counters: Invalid value: "A": ${label}`,
        ],
      ],
      [
        "a place of a device where the slice has one",
        withDevice({ nodeName: "n" }),
        [
          "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
        ],
      ],
      [
        "devices without a place of their own, and with two",
        {
          spec: {
            nodeName: null,
            perDeviceNodeSelection: true,
            devices: [{ name: "a" }, { name: "b", nodeName: "n", allNodes: true }, { name: "b", allNodes: true }],
          },
        },
        [
          `spec.devices[0]: Required value: ${devicePlace}`,
          `spec.devices[1]: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${devicePlace}`,
          'spec.devices[2].name: Duplicate value: "b"',
        ],
      ],
      [
        "conditions of a binding by halves",
        withDevice({ bindingConditions: ["a", "a"] }),
        [
          'spec.devices[0].bindingConditions[1]: Duplicate value: "a"',
          "spec.devices[0].bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions",
        ],
      ],
      [
        "devices beside counters, and counters that are none",
        { spec: { devices: [{ name: "a" }], sharedCounters: [{ name: "S", counters: { a: { value: "1" } } }] } },
        [
          'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed',
          `spec.sharedCounters[0].name: Invalid value: "S": ${label}`,
        ],
      ],
      [
        "places that are said not to be",
        {
          spec: {
            nodeName: "",
            allNodes: false,
            nodeSelector: { nodeSelectorTerms: [] },
            perDeviceNodeSelection: false,
          },
        },
        [
          'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string',
          "spec.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term",
          "spec.allNodes: Invalid value: false: must be either unset or set to true",
          "spec.nodeSelector.nodeSelectorTerms: Invalid value: []: must have exactly one node selector term",
          "spec.perDeviceNodeSelection: Invalid value: false: must be either unset or set to true",
        ],
      ],
    ],
  ],
]);

describe("ResourceSlice", () => {
  it("holds 128 devices, but 64 when one of them has taints, counters or lists", () => {
    const devices = fill(128, (index) => ({ name: `d${index}` }));
    expect(errorsOf(slice, { spec: { devices } as never })).toEqual([]);
    const tainted = [{ name: "x", taints: [{ key: "k", effect: "None" }] }, ...devices.slice(0, 64)];
    expect(errorsOf(slice, { spec: { devices: tainted } as never })).toEqual([
      "spec.devices: Too many: 65: must have at most 64 items",
    ]);
  });
});

describe("the status of a ResourceClaim", () => {
  const result = { request: "a", driver: "d", pool: "p", device: "x" };
  const allocation = { devices: { results: [result] } };
  const pod = { resource: "pods", name: "p", uid: "1" };

  it("is refused where it reserves what was not allocated, or adds users to what is to go", () => {
    expect(statusErrorsOf(claim, { reservedFor: [pod, { ...pod, name: "" }] })).toEqual([
      "status.reservedFor[1].name: Required value",
      'status.reservedFor[1].uid: Duplicate value: "1"',
      "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
    ]);
    const deleted = { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect(statusErrorsOf(claim, { allocation, reservedFor: [pod] }, { allocation }, deleted)).toEqual([
      "status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set",
    ]);
    expect(
      statusErrorsOf(claim, { allocation, reservedFor: [pod] }, { allocation, reservedFor: [pod] }, deleted),
    ).toEqual([]);
  });

  it("is refused where it allocates what nobody asked for, or something else than before", () => {
    expect(statusErrorsOf(claim, { allocation })).toEqual([]);
    const wrong = { devices: { results: [{ ...result, request: "b", pool: "", shareID: "x" }], config: [{}] } };
    expect(statusErrorsOf(claim, { allocation: wrong })).toEqual([
      `status.allocation.devices.results[0].request: Invalid value: "b": ${reference}`,
      "status.allocation.devices.results[0].pool: Required value",
      'status.allocation.devices.results[0].shareID: Invalid value: "x": error validating uid: invalid UUID length: 1',
      "status.allocation.devices.config[0].source: Required value",
      "status.allocation.devices.config[0].opaque: Required value",
    ]);
    expect(statusErrorsOf(claim, { allocation: {} }, { allocation })).toEqual([
      "status.allocation: Invalid value: {}: field is immutable",
    ]);
  });

  it("is refused where it speaks of a device that was not allocated", () => {
    const device = { driver: "d", pool: "p", device: "x", networkData: { ips: ["10.0.0.1", "10.0.0.1/8"] } };
    expect(
      statusErrorsOf(claim, { allocation, devices: [device, { ...device, device: "y", networkData: {} }] }),
    ).toEqual([
      'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
      "status.devices[1]: Invalid value: d/p/y: must be an allocated device in the claim",
    ]);
  });
});

describe("updates", () => {
  it("of a class keep parameters that are longer than they may be today", () => {
    const long = { a: "x".repeat(11_000) };
    const config = [{ opaque: { driver: "d", parameters: long } }];
    const name = "resource.k8s.io/v1/DeviceClass";
    expect(errorsOf(name, { spec: { config } })).toHaveLength(1);
    const object = stored(name, { spec: { config } });
    expect(kindOf(name).strategy.validate(object, context, object)).toEqual([]);
  });

  it("of a claim are told only that it may not change", () => {
    expect(updateErrorsOf(claim, { spec: { devices: { requests: [{ name: "" }] } } })).toEqual([
      'spec: Invalid value: {"devices":{"requests":[{"name":""}]}}: field is immutable',
    ]);
  });
});

function withClaim(devices: object) {
  const config = [{ requests: ["a"], opaque: { driver: "d", parameters: { a: 1 } } }];
  const constraints = [{ matchAttribute: "example.com/model" }];
  return { spec: { devices: { requests: [oneRequest], constraints, config, ...devices } } } as never;
}

function withDevice(device: object) {
  return { spec: { devices: [{ name: "gpu-0", ...device }] } } as never;
}
