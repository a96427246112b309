import { describe, expect, it } from "vitest";
import type { Kind } from "../../../core/api/kind.ts";
import type { KubeObject, ObjectMeta } from "../../../core/api/meta.ts";
import { validateMetadata, validateMetadataUpdate } from "../../../core/api/validate_meta.ts";
import { configMap, node, service } from "../../../core/kinds/mod.ts";

const objectOf = (metadata: ObjectMeta): KubeObject => ({ apiVersion: "v1", kind: "X", metadata });
const errorsOf = (metadata: ObjectMeta, kind: Kind = configMap as Kind) =>
  validateMetadata(kind, objectOf(metadata)).map(({ field, message }) => `${field}: ${message}`);

const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const owner = { apiVersion: "v1", kind: "Pod", name: "p", uid: "u", controller: true };

describe("validateMetadata()", () => {
  it.each<[string, ObjectMeta, string[]]>([
    ["no name", { namespace: "a" }, ["metadata.name: Required value: name or generateName is required"]],
    ["a name in capitals", { name: "A", namespace: "a" }, [`metadata.name: Invalid value: "A": ${subdomainRule}`]],
    ["no namespace", { name: "a" }, ["metadata.namespace: Required value"]],
    [
      "a bad prefix of generated names",
      { name: "a", generateName: "A-", namespace: "a" },
      [`metadata.generateName: Invalid value: "A-": ${subdomainRule}`],
    ],
    [
      "a finalizer without a domain",
      { name: "a", namespace: "a", finalizers: ["mine"] },
      [
        'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
      ],
    ],
    [
      "an owner without a uid",
      { name: "a", namespace: "a", ownerReferences: [{ ...owner, uid: "" }] },
      ['metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
    ],
    [
      "an owner of no version",
      { name: "a", namespace: "a", ownerReferences: [{ ...owner, apiVersion: "a/b/c" }] },
      ['metadata.ownerReferences.apiVersion: Invalid value: "a/b/c": version must not be empty'],
    ],
    ["a trailing dash in a prefix", { name: "a", generateName: "web-", namespace: "a" }, []],
    ["standard finalizers", { name: "a", namespace: "a", finalizers: ["orphan", "example.com/x"] }, []],
  ])("names the field, when there is %s", (_, metadata, errors) => {
    expect(errorsOf(metadata)).toEqual(errors);
  });

  it("labels and annotations are checked", () => {
    const errors = errorsOf({
      name: "a",
      namespace: "a",
      labels: { "a b": "c" },
      annotations: { x: "y".repeat(262_145) },
    });
    expect(errors[0]).toMatch(/^metadata\.labels: Invalid value: "a b": name part must consist of/);
    expect(errors[1]).toBe("metadata.annotations: Too long: may not be more than 262144 bytes");
  });

  it("two controllers are one too many", () => {
    const [error] = errorsOf({ name: "a", namespace: "a", ownerReferences: [owner, { ...owner, name: "q" }] });
    expect(error).toMatch(
      /Only one reference can have Controller set to true. Found "true" in references for Pod\/p and Pod\/q$/,
    );
  });

  it("cluster-scoped kinds have no namespace; services have stricter names", () => {
    expect(errorsOf({ name: "a", namespace: "b" }, node as Kind)).toEqual([
      "metadata.namespace: Forbidden: not allowed on this type",
    ]);
    expect(errorsOf({ name: "a.b", namespace: "a" }, service as Kind)[0]).toMatch(/a DNS-1035 label must consist/);
  });
});

describe("validateMetadataUpdate()", () => {
  const errors = (next: ObjectMeta, previous: ObjectMeta) =>
    validateMetadataUpdate(objectOf(next), objectOf(previous)).map(({ field, message }) => `${field}: ${message}`);

  it("name, uid and creation time are immutable", () => {
    expect(errors({ name: "a", uid: "1" }, { name: "a", uid: "2" })).toEqual([
      'metadata.uid: Invalid value: "1": field is immutable',
    ]);
    expect(errors({ name: "a", labels: { a: "b" } }, { name: "a" })).toEqual([]);
  });

  it("an object that is being deleted may lose finalizers but gain none", () => {
    const previous = { name: "a", deletionTimestamp: "2026-01-31T12:00:00Z", finalizers: ["example.com/a"] };
    expect(errors({ ...previous, finalizers: [] }, previous)).toEqual([]);
    expect(errors({ ...previous, finalizers: ["example.com/b"] }, previous)).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/b"}',
    ]);
  });
});
