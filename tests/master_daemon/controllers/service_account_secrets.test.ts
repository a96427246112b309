import { describe, expect, it } from "vitest";
import type { Client } from "../../../core/client/client.ts";
import { waitFor } from "../../../core/client/wait_for.ts";
import { type Secret, secret } from "../../../core/kinds/secret.ts";
import { serviceAccount } from "../../../core/kinds/service_account.ts";
import { openMaster } from "../../security/_master.ts";

const namespace = "default";

function makeAccount(client: Client, name: string) {
  return client.create(serviceAccount, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } });
}

function makeSecret(client: Client, name: string, account: string, more: Partial<Secret> = {}) {
  return client.create(secret, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, annotations: { "kubernetes.io/service-account.name": account } },
    type: "kubernetes.io/service-account-token",
    ...more,
  });
}

const isFilled = ({ data = {} }: Secret) => ["token", "ca.crt", "namespace"].every((name) => Object.hasOwn(data, name));

describe("secrets of type kubernetes.io/service-account-token", () => {
  it("get token, authority and namespace; the token is the account's until the secret or the account goes", async () => {
    const target = await openMaster();
    const { client } = target.master;
    const account = await makeAccount(client, "robot");
    await makeSecret(client, "robot-token", "robot");
    const key = { namespace, name: "robot-token" };
    const { data = {}, metadata } = await waitFor(client, secret, key, { predicate: isFilled });
    expect(atob(data["ca.crt"] ?? "")).toBe(target.ca);
    expect(atob(data["namespace"] ?? "")).toBe(namespace);
    expect(metadata.annotations?.["kubernetes.io/service-account.uid"]).toBe(account.metadata.uid);

    const whoIs = async () => {
      const { status, json } = await target.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
        body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
        isKnown: false,
        headers: { authorization: `Bearer ${atob(data["token"] ?? "")}` },
      });
      return status === 201 ? json.status.userInfo.username : status;
    };
    expect(await whoIs()).toBe("system:serviceaccount:default:robot");
    // The account's end is that of its secrets.
    await client.delete(serviceAccount, { namespace, name: "robot" });
    await waitFor(client, secret, key, { deleted: true });
    expect(await whoIs()).toBe(401);
  });

  it("are filled when the account comes first or is named by the right uid, and are deleted when it is not", async () => {
    const { master } = await openMaster();
    const { client } = master;
    const { metadata } = await makeAccount(client, "robot");
    const annotations = (uid: string) => ({
      "kubernetes.io/service-account.name": "robot",
      "kubernetes.io/service-account.uid": uid,
    });
    const right = { metadata: { name: "right", namespace, annotations: annotations(metadata.uid ?? "") } };
    await makeSecret(client, "right", "robot", right);
    await waitFor(client, secret, { namespace, name: "right" }, { predicate: isFilled });
    await makeSecret(client, "wrong", "robot", {
      metadata: { name: "wrong", namespace, annotations: annotations("x") },
    });
    await waitFor(client, secret, { namespace, name: "wrong" }, { deleted: true });
    await makeSecret(client, "nobody", "nobody");
    await waitFor(client, secret, { namespace, name: "nobody" }, { deleted: true });
  });
});
