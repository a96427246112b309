import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { describe, expect, it } from "vitest";
import { openApi } from "./_api.ts";

const lease = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "a" },
  spec: { holderIdentity: "x" },
};
const path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/a";

describe("PUT", () => {
  it("creates what is not there, for kinds that let it", async () => {
    const api = await openApi();
    const created = await api.call("PUT", path, lease);
    expect([created.status, created.json.spec]).toEqual([201, lease.spec]);
    expect(created.json.metadata.generation).toBeUndefined();
    const webhooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/a";
    const body = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "a" },
    };
    expect((await api.call("PUT", webhooks, body)).status).toBe(404);
  });

  it("must say of which resourceVersion it is, for kinds that want it", async () => {
    const api = await openApi();
    const { resourceVersion } = (await api.call("PUT", path, lease)).json.metadata;
    const blind = await api.call("PUT", path, lease);
    expect([blind.status, blind.json.message]).toEqual([
      422,
      'Lease.coordination.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ]);
    const next = { ...lease, metadata: { name: "a", resourceVersion }, spec: { holderIdentity: "y" } };
    expect((await api.call("PUT", path, next)).status).toBe(200);
  });
});

describe("/approval and /status of certificate signing requests", () => {
  const collection = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  it("approve and issue, each its own part", async () => {
    const api = await openApi();
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const signed = await Pkcs10CertificateRequestGenerator.create({
      name: "CN=ann",
      keys,
      signingAlgorithm: algorithm,
    });
    const request = btoa(`${signed.toString("pem")}\n`);
    const made = await api.create(collection, {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { name: "a" },
      spec: { request, signerName: "example.com/s", usages: ["client auth"], username: "somebody else" },
    });
    expect(made.status).toBe(201);
    expect(made.json.spec.username).not.toBe("somebody else");
    const approval = { conditions: [{ type: "Approved", status: "True", reason: "Fine" }] };
    const refused = await api.call("PUT", `${collection}/a/status`, { ...made.json, status: approval });
    expect(refused.json.message).toContain('updates may not add a condition of type "Approved"');
    const approved = await api.call("PUT", `${collection}/a/approval`, { ...made.json, status: approval });
    expect(approved.json.status.conditions[0]).toMatchObject({ type: "Approved", lastUpdateTime: expect.any(String) });
  });
});

describe("tables", () => {
  it("are of the version that was asked for, their rows too", async () => {
    const api = await openApi();
    const accept = "application/json;as=Table;v=v1beta1;g=meta.k8s.io";
    const { json } = await api.call("GET", "/api/v1/namespaces/default", undefined, { accept });
    expect([json.apiVersion, json.rows[0].object.apiVersion]).toEqual(["meta.k8s.io/v1beta1", "meta.k8s.io/v1beta1"]);
  });
});
