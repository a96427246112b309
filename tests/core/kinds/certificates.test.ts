import { describe, expect, it } from "vitest";
import type { CertificateSigningRequest } from "../../../core/kinds/mod.ts";
import { certificateSigningRequest } from "../../../core/kinds/mod.ts";
import { cellsOf, errorsOf, now } from "./fixtures.ts";

const { strategy } = certificateSigningRequest;
const pem = (type: string) => btoa(`-----BEGIN ${type}-----\nMIIB\n-----END ${type}-----\n`);
const of = (
  spec: Partial<CertificateSigningRequest["spec"]> = {},
  status?: CertificateSigningRequest["status"],
): CertificateSigningRequest => ({
  apiVersion: "certificates.k8s.io/v1",
  kind: "CertificateSigningRequest",
  metadata: { name: "a", creationTimestamp: "2026-01-31T11:59:00Z" },
  spec: { request: pem("CERTIFICATE REQUEST"), signerName: "example.com/s", usages: ["client auth"], ...spec },
  ...(status ? { status } : {}),
});
const user = { username: "ann", uid: "1", groups: ["devs"], extra: { key: ["v"] } };
const approved = { type: "Approved", status: "True", reason: "Fine" };
const statusErrors = (
  next: CertificateSigningRequest,
  previous: CertificateSigningRequest,
  subresource?: "status" | "approval",
) =>
  strategy
    .validateStatusUpdate(next, previous, { localRanges: [], subresource })
    .map(({ field, message }) => `${field}: ${message}`);

describe("certificate signing request", () => {
  it("notes who asks, whatever the request says", () => {
    const { spec } = strategy.stamp(of({ username: "root", groups: ["system:masters"] }), { user, now });
    expect(spec).toMatchObject(user);
  });

  it.each<[string, Partial<CertificateSigningRequest["spec"]>, string[]]>([
    ["as it should be", {}, []],
    [
      "another PEM block",
      { request: pem("CERTIFICATE") },
      [`spec.request: Invalid value: "${pem("CERTIFICATE")}": PEM block type must be CERTIFICATE REQUEST`],
    ],
    ["no usages", { usages: [] }, ["spec.usages: Required value: usages must be provided"]],
    ["a usage twice", { usages: ["any", "any"] }, ['spec.usages[1]: Duplicate value: "any"']],
    [
      "the signer of old",
      { signerName: "kubernetes.io/legacy-unknown" },
      [
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
      ],
    ],
    [
      "a signer without a domain",
      { signerName: "x" },
      [
        `spec.signerName: Invalid value: "x": must be a fully qualified domain and path of the form 'example.com/signer-name'`,
      ],
    ],
    [
      "a domain of one label",
      { signerName: "x/y" },
      ['spec.signerName: Invalid value: "x": should be a domain with at least two segments separated by dots'],
    ],
    [
      "a short life",
      { expirationSeconds: 599 },
      ["spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)"],
    ],
  ])("%s is checked", (_, spec, errors) => {
    expect(errorsOf(certificateSigningRequest, of(spec))).toEqual(errors);
  });

  it("approval changes conditions only, and dates them", () => {
    const sent = of({ signerName: "other.com/x" }, { conditions: [approved], certificate: pem("CERTIFICATE") });
    const next = strategy.prepareForStatusUpdate(sent, of(), { user, now, subresource: "approval" });
    const time = "2026-01-31T12:00:00Z";
    expect(next.spec.signerName).toBe("example.com/s");
    expect(next.status).toEqual({ conditions: [{ ...approved, lastUpdateTime: time, lastTransitionTime: time }] });
    expect(statusErrors(next, of(), "approval")).toEqual([]);
  });

  it("the status neither approves nor takes back, and writes a certificate once", () => {
    const issued = of({}, { conditions: [approved], certificate: pem("CERTIFICATE") });
    expect(statusErrors(of({}, { conditions: [approved] }), of(), "status")).toEqual([
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ]);
    expect(statusErrors(of({}, { conditions: [] }), issued, "approval")).toEqual([
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
      "status.certificate: Forbidden: updates may not set certificate content",
    ]);
    const again = of({}, { conditions: [approved], certificate: pem("PRIVATE KEY") });
    expect(statusErrors(again, issued, "status")).toEqual([
      "status.certificate: Forbidden: updates may not modify existing certificate content",
      'status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"',
    ]);
  });

  it("nobody approves and denies", () => {
    const both = of({}, { conditions: [approved, { type: "Denied", status: "True" }] });
    expect(statusErrors(both, of(), "approval")).toEqual([
      'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    ]);
  });

  it("columns and fields are kubectl's", () => {
    const object = of({ username: "ann", expirationSeconds: 3600 }, { conditions: [approved], certificate: "x" });
    expect(cellsOf(certificateSigningRequest, object)).toEqual({
      Name: "a",
      Age: "60s",
      SignerName: "example.com/s",
      Requestor: "ann",
      RequestedDuration: "60m",
      Condition: "Approved,Issued",
    });
    expect(cellsOf(certificateSigningRequest, of())).toMatchObject({
      RequestedDuration: "<none>",
      Condition: "Pending",
    });
    expect(strategy.fields(object)).toEqual({ "spec.signerName": "example.com/s" });
  });
});
