import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../core/api/meta.ts";
import { decodeObject } from "../../../../core/api/protobuf/mod.ts";
import { StatusError } from "../../../../core/api/status.ts";
import { objects } from "./_arbitrary.ts";
import { bytesField, encodeMessage, envelope, numberField, varint } from "./_encoder.ts";

/** What is sent: apiVersion, kind, and the message that they stand for. */
const sent = [
  ["v1", "ConfigMap", "core.v1.ConfigMap"],
  ["v1", "Endpoints", "core.v1.Endpoints"],
  ["v1", "Event", "core.v1.Event"],
  ["v1", "Namespace", "core.v1.Namespace"],
  ["v1", "Node", "core.v1.Node"],
  ["v1", "Pod", "core.v1.Pod"],
  ["v1", "Secret", "core.v1.Secret"],
  ["v1", "ServiceAccount", "core.v1.ServiceAccount"],
  ["v1", "Service", "core.v1.Service"],
  ["v1", "Binding", "core.v1.Binding"],
  ["apps/v1", "Deployment", "apps.v1.Deployment"],
  ["apps/v1", "ReplicaSet", "apps.v1.ReplicaSet"],
  ["coordination.k8s.io/v1", "Lease", "coordination.v1.Lease"],
  ["discovery.k8s.io/v1", "EndpointSlice", "discovery.v1.EndpointSlice"],
  ["autoscaling/v1", "Scale", "autoscaling.v1.Scale"],
  ["policy/v1", "Eviction", "policy.v1.Eviction"],
  ["policy/v1beta1", "Eviction", "policy.v1.Eviction"],
  ["apps/v1", "DeleteOptions", "meta.v1.DeleteOptions"],
  ["v1", "Status", "meta.v1.Status"],
] as const;

const metadata = (...fields: Uint8Array[]) => bytesField(1, bytesField(1, "a"), ...fields);
const configMap = (...fields: Uint8Array[]) => decodeObject(envelope("v1", "ConfigMap", metadata(), ...fields));
const deployment = (...spec: Uint8Array[]) =>
  decodeObject(envelope("apps/v1", "Deployment", bytesField(2, ...spec)))["spec"];
const pod = (...spec: Uint8Array[]) => decodeObject(envelope("v1", "Pod", bytesField(2, ...spec)))["spec"];
const metadataOf = (...fields: Uint8Array[]) =>
  decodeObject(envelope("v1", "ConfigMap", metadata(...fields)))["metadata"];

/** The message of the BadRequest that `read` must end with. */
function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(StatusError);
    expect((error as StatusError).status).toMatchObject({ code: 400, reason: "BadRequest" });
    return (error as StatusError).message;
  }
  throw new Error("it was read");
}

describe("decodeObject()", () => {
  it.each(sent)("reads every %s %s that Go can write", (apiVersion, kind, type) => {
    fc.assert(
      fc.property(objects(type), (fields) => {
        const object = { apiVersion, kind, ...fields };
        expect(decodeObject(envelope(apiVersion, kind, encodeMessage(type, fields)))).toEqual(object);
      }),
      { numRuns: 60 },
    );
  });

  it("reads bytes as they stand on the wire", () => {
    // A Namespace as kubectl sends it: name "demo", an empty time of creation, empty spec and status.
    const hex =
      "6b387300" +
      "0a0f" +
      "0a027631" +
      "12094e616d657370616365" +
      "121a" +
      "0a14" +
      "0a0464656d6f" +
      "1200" +
      "1a00" +
      "2200" +
      "2a00" +
      "3200" +
      "3800" + // metadata, seven fields
      "1200" +
      "1a02" +
      "0a00" +
      "1a00" +
      "2200";
    expect(decodeObject(Buffer.from(hex, "hex"))).toEqual({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "demo" },
    });
  });

  it("drops zeros that Go always writes, and keeps those that a pointer leads to", () => {
    expect(deployment(numberField(1, 0), numberField(5, 0), numberField(7, 0))).toEqual({ replicas: 0 });
    expect(pod(numberField(21, 0), numberField(11, 0), bytesField(14), bytesField(3, ""))).toEqual({
      automountServiceAccountToken: false,
      securityContext: {},
    });
    expect(pod(bytesField(1, bytesField(1, "v"), bytesField(2, bytesField(2))))).toEqual({
      volumes: [{ name: "v", emptyDir: {} }],
    });
  });

  it.each<[string, Uint8Array, unknown]>([
    ["a negative int32", numberField(5, -7), { minReadySeconds: -7 }],
    [
      "a number of percent",
      bytesField(4, bytesField(2, bytesField(1, numberField(1, 1), bytesField(3, "25%")))),
      { strategy: { rollingUpdate: { maxUnavailable: "25%" } } },
    ],
    [
      "a count",
      bytesField(4, bytesField(2, bytesField(2, numberField(1, 0), numberField(2, 3)))),
      { strategy: { rollingUpdate: { maxSurge: 3 } } },
    ],
  ])("reads %s", (_what, field, expected) => expect(deployment(field)).toEqual(expected));

  it.each<[string, Uint8Array, unknown]>([
    ["no time", bytesField(8), undefined],
    ["1970", bytesField(8, numberField(1, 0), numberField(2, 0)), "1970-01-01T00:00:00Z"],
    [
      "a time, without its fraction",
      bytesField(8, numberField(1, 1_700_000_000), numberField(2, 999_999_999)),
      "2023-11-14T22:13:20Z",
    ],
    ["a time before 1970", bytesField(8, numberField(1, -1)), "1969-12-31T23:59:59Z"],
  ])("reads %s", (_what, field, creationTimestamp) =>
    expect(metadataOf(field)).toEqual({ name: "a", ...(creationTimestamp ? { creationTimestamp } : {}) }),
  );

  it("reads lists of numbers packed and one by one", () => {
    const groups = (...fields: Uint8Array[]) => pod(bytesField(14, ...fields));
    const unpacked = groups(numberField(4, 1000), numberField(4, 0));
    expect(unpacked).toEqual({ securityContext: { supplementalGroups: [1000, 0] } });
    expect(groups(bytesField(4, Uint8Array.from([0xe8, 7, 0])))).toEqual(unpacked);
  });

  it("takes the last of several values, and an entry of a map without a value", () => {
    expect(configMap(numberField(4, 1), numberField(4, 0), bytesField(2, bytesField(1, "k")), bytesField(2))).toEqual({
      ...configMap(),
      immutable: false,
      data: { k: "", "": "" },
    });
    expect(deployment(numberField(5, 3), numberField(5, 0))).toBeUndefined();
  });

  it("passes over fields that it does not know, of every wire type", () => {
    const fixed64 = Buffer.concat([varint(200 * 8 + 1), Buffer.alloc(8)]);
    const fixed32 = Buffer.concat([varint(200 * 8 + 5), Buffer.alloc(4)]);
    expect(configMap(numberField(99, 1n << 63n), bytesField(100, "?"), fixed64, fixed32)).toEqual(configMap());
    expect(decodeObject(Buffer.concat([envelope("v1", "ConfigMap", metadata()), numberField(9, 1)]))).toEqual(
      configMap(),
    );
  });

  it("takes names for names, whatever prototypes have under them", () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    const object = configMap(...names.map((name) => bytesField(2, bytesField(1, name), bytesField(2, "x"))));
    const data = object["data"] as JsonObject;
    expect(Object.entries(data)).toEqual(names.map((name) => [name, "x"]));
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  const broken = (message: string) => `ConfigMap in version "v1" cannot be handled as a ConfigMap: ${message}`;
  it.each<[string, Uint8Array, string]>([
    ["a text where a bool belongs", bytesField(4, "yes"), "proto: wrong wireType = 2 for field immutable"],
    ["a number where a map belongs", numberField(2, 1), "proto: wrong wireType = 0 for field data"],
    ["a number for a key", bytesField(2, numberField(1, 1)), "proto: wrong wireType = 0 for field data"],
    ["a length beyond the end", Uint8Array.from([0x12, 0x7f, 1]), "unexpected EOF"],
    ["a length of almost 2^63", Uint8Array.from([0x12, 255, 255, 255, 255, 255, 255, 255, 255, 127]), "unexpected EOF"],
    [
      "a negative length",
      Uint8Array.from([0x12, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
      "proto: negative length found during unmarshaling",
    ],
    ["an unfinished number", Uint8Array.from([0x20, 0x80]), "unexpected EOF"],
    [
      "a number of more than 64 bits",
      Uint8Array.from([0x20, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2]),
      "proto: integer overflow",
    ],
    ["a number without end", Uint8Array.from([0x20, ...Array(20).fill(255)]), "proto: integer overflow"],
    ["field 0", Uint8Array.from([0x02, 0]), "proto: illegal tag 0 (wire type 2)"],
    ["a group", Uint8Array.from([0x4b, 0x4c]), "proto: illegal wireType 3"],
    ["a text that is no UTF-8", bytesField(2, bytesField(1, Uint8Array.from([0xc3, 0x28]))), "proto: invalid UTF-8"],
    ["a generation beyond 2^53", bytesField(1, numberField(7, 2n ** 53n)), "an integer cannot be represented exactly"],
    [
      "a time in year 10000",
      bytesField(1, bytesField(8, numberField(1, 253_402_300_800))),
      "Time: year outside of range [1,9999]",
    ],
    [
      "a time with a negative fraction",
      bytesField(1, bytesField(8, numberField(1, 0), numberField(2, -1))),
      "Time: nanos outside of range [0,999999999]",
    ],
  ])("refuses %s", (_what, field, message) => expect(refusal(() => configMap(field))).toBe(broken(message)));

  it("refuses an int32 that is none, and an IntOrString that is neither", () => {
    expect(refusal(() => deployment(numberField(1, 2 ** 31)))).toContain("proto: integer overflow");
    const neither = bytesField(4, bytesField(2, bytesField(1, numberField(1, 2))));
    expect(refusal(() => deployment(neither))).toContain("impossible IntOrString.Type");
  });

  it("refuses managed fields that are no JSON, or nested without end", () => {
    const managed = (raw: string) => () => metadataOf(bytesField(17, bytesField(7, bytesField(1, raw))));
    expect(refusal(managed("{"))).toContain("json parse error");
    expect(refusal(managed("[".repeat(5000)))).toContain("json parse error: exceeded max depth");
  });

  it.each<[string, Uint8Array, string]>([
    [
      "nothing",
      new Uint8Array(),
      "couldn't get version/kind; provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    ],
    [
      "JSON",
      Buffer.from('{"kind":"Pod"}'),
      "couldn't get version/kind; provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    ],
    ["a prefix and no more", Buffer.from("k8s\0"), "couldn't get version/kind; Object 'Kind' is missing"],
    ["no version", envelope("", "Pod"), "couldn't get version/kind; Object 'apiVersion' is missing"],
    ["an unknown kind", envelope("v1", "Gopher"), 'no kind "Gopher" is registered for version "v1"'],
    ["an unknown group", envelope("constructor/v1", "Pod"), 'no kind "Pod" is registered for version "constructor/v1"'],
    ["a value that is no kind", envelope("v1", "__proto__"), 'no kind "__proto__" is registered for version "v1"'],
    [
      "a number for the message",
      Buffer.concat([Buffer.from("k8s\0"), numberField(2, 1)]),
      "couldn't get version/kind; proto: wrong wireType = 0 for Unknown",
    ],
    [
      "a compressed message",
      Buffer.concat([Buffer.from("k8s\0"), bytesField(3, "gzip")]),
      "couldn't get version/kind; the message's content is encoded",
    ],
  ])("refuses %s", (_what, bytes, message) => expect(refusal(() => decodeObject(bytes))).toBe(message));

  it("ends every message in an object or a BadRequest, whatever its bytes", () => {
    const read = (bytes: Uint8Array) => {
      try {
        JSON.stringify(decodeObject(bytes));
      } catch (error) {
        if (!(error instanceof StatusError) || error.code !== 400) throw error;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...sent), (bytes, [apiVersion, kind]) =>
        read(envelope(apiVersion, kind, bytes)),
      ),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => read(Buffer.concat([Buffer.from("k8s\0"), bytes]))),
      { numRuns: 500 },
    );
    // Nearly right ones get further in.
    fc.assert(
      fc.property(
        objects("core.v1.Pod"),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (fields, changes, end) => {
          const bytes = Buffer.from(encodeMessage("core.v1.Pod", fields));
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          read(envelope("v1", "Pod", bytes.subarray(0, bytes.length - (end % 3 ? 0 : end % bytes.length))));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("reads a hundred thousand values, and refuses to go on without end", () => {
    const labels = Array.from({ length: 30_000 }, (_, index) => bytesField(11, bytesField(1, `k${index}`)));
    expect(Object.keys((metadataOf(...labels) as { labels: object }).labels).length).toBe(30_000);
    const fill = (unit: Uint8Array) => Buffer.concat(Array(200_000).fill(unit));
    const managed = bytesField(17, bytesField(7, bytesField(1, `[${"0,".repeat(1000)}0]`)));
    for (const read of [
      () => configMap(fill(bytesField(2))),
      () => configMap(fill(numberField(99, 1))),
      () => metadataOf(fill(bytesField(14))),
      () => pod(bytesField(14, bytesField(4, fill(Uint8Array.from([1]))))),
      () => metadataOf(...Array(200).fill(managed)),
    ])
      expect(read).toThrow(expect.objectContaining({ code: 413, reason: "RequestEntityTooLarge" }));
  });
});
