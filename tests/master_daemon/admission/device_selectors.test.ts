import { describe, expect, it } from "vitest";
import { deviceClass, resourceClaim } from "../../../core/kinds/mod.ts";
import { checkDeviceSelectors } from "../../../master_daemon/admission/policies/check_device_selectors.ts";
import { openCluster } from "../controllers/_cluster.ts";

const aClass = (...expressions: readonly string[]) => ({
  apiVersion: "resource.k8s.io/v1",
  kind: "DeviceClass",
  metadata: { name: "gpus" },
  spec: { selectors: expressions.map((expression) => ({ cel: { expression } })) },
});

describe("checkDeviceSelectors()", () => {
  it.each([
    'device.driver == "gpu.example.com"',
    'device.attributes["gpu.example.com"].model == "a" && device.allowMultipleAllocations',
    'device.capacity["gpu.example.com"].memory.compareTo(quantity("10Gi")) >= 0',
    'device.attributes["gpu.example.com"].isReal',
    'device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("1.2.3"))',
    'cel.bind(gpu, device.attributes["gpu.example.com"], gpu.a == 1 || gpu.b)',
  ])("takes %s", (expression) => {
    expect(checkDeviceSelectors(aClass(expression), "DeviceClass")).toEqual([]);
  });

  it.each([
    ["device.driver", "must evaluate to bool or the unknown type, not string"],
    ["device.vendor == 'a'", "compilation failed: ERROR: <input>:1:7: undefined field 'vendor'"],
    ["node.name == 'a'", "compilation failed: ERROR: <input>:1:1: undeclared reference to 'node' (in container '')"],
    ["device.driver ==", "compilation failed: ERROR: <input>:1:"],
    ['device.capacity["a"].memory > 1', "compilation failed: ERROR: <input>:1:"],
  ])("refuses %s", (expression, reason) => {
    const errors = checkDeviceSelectors(aClass("true", expression), "DeviceClass");
    expect(errors.map(({ field }) => field)).toEqual(["spec.selectors[1].cel.expression"]);
    expect(errors[0]?.message).toContain(`Invalid value: ${JSON.stringify(expression)}: ${reason}`);
  });

  it("says which request of a claim, and of a template, it means", () => {
    const selectors = [{ cel: { expression: "1" } }];
    const requests = [{ exactly: { selectors } }, { firstAvailable: [{ selectors: [] }, { selectors }] }];
    const fields = (spec: object, kind: string) =>
      checkDeviceSelectors({ apiVersion: "", kind, metadata: {}, spec } as never, kind).map(({ field }) => field);
    expect(fields({ devices: { requests } }, "ResourceClaim")).toEqual([
      "spec.devices.requests[0].exactly.selectors[0].cel.expression",
      "spec.devices.requests[1].firstAvailable[1].selectors[0].cel.expression",
    ]);
    expect(fields({ spec: { devices: { requests } } }, "ResourceClaimTemplate")[0]).toBe(
      "spec.spec.devices.requests[0].exactly.selectors[0].cel.expression",
    );
  });

  it("does not look again at what was stored", () => {
    expect(checkDeviceSelectors(aClass("1"), "DeviceClass", aClass("1"))).toEqual([]);
    expect(checkDeviceSelectors(aClass("1", "true"), "DeviceClass", aClass("1"))).toHaveLength(1);
  });
});

it("the API takes classes and claims whose expressions compile, and no others", async () => {
  const { client } = await openCluster();
  await expect(client.create(deviceClass, aClass("device.driver"))).rejects.toThrow(
    /^DeviceClass.resource.k8s.io "gpus" is invalid: spec.selectors\[0\].cel.expression: Invalid value: "device.driver": must evaluate/,
  );
  await client.create(deviceClass, aClass('device.driver == "a"'));
  const exactly = { deviceClassName: "gpus", selectors: [{ cel: { expression: "devices" } }] };
  const claim = { apiVersion: "resource.k8s.io/v1", kind: "ResourceClaim" };
  const metadata = { namespace: "default", name: "gpu" };
  const wanted = { ...claim, metadata, spec: { devices: { requests: [{ name: "a", exactly }] } } };
  await expect(client.create(resourceClaim, wanted)).rejects.toThrow(/undeclared reference to 'devices'/);
});
