import { describe, expect, it } from "vitest";
import type { Client } from "../../../core/client/client.ts";
import { waitFor } from "../../../core/client/wait_for.ts";
import { configMap } from "../../../core/kinds/configmap.ts";
import { invalidSinceLabel, lastUsedLabel, tokenTracking } from "../../../core/kinds/legacy_tokens.ts";
import { type Secret, secret } from "../../../core/kinds/secret.ts";
import { type ServiceAccount, serviceAccount } from "../../../core/kinds/service_account.ts";
import { type ObservedLegacyToken, planLegacyToken } from "../../../master_daemon/controllers/legacy_token_cleaner.ts";
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
    // The day is noted; and from when on days are.
    const today = metadata.creationTimestamp?.slice(0, 10) ?? "";
    const shown = await client.get(secret, key);
    expect(shown.metadata.labels?.[lastUsedLabel]).toSatisfy((day: string) => day >= today);
    const since = async () => (await client.get(configMap, tokenTracking).catch(() => undefined))?.data?.["since"];
    await expect
      .poll(since, { timeout: 10_000 })
      .toSatisfy((day: string | undefined) => day !== undefined && day >= today);
    const marked = (labels: Record<string, string | null>) =>
      client.patch(secret, key, { type: "merge", body: { metadata: { labels } } });
    await marked({ [invalidSinceLabel]: today });
    expect(await whoIs()).toBe(401);
    await marked({ [invalidSinceLabel]: null });
    expect(await whoIs()).toBe("system:serviceaccount:default:robot");
    // The account's end is that of its secrets.
    await client.delete(serviceAccount, { namespace, name: "robot" });
    await waitFor(client, secret, key, { deleted: true });
    expect(await whoIs()).toBe(401);
  });

  it("are filled when the account comes first or is named by the right uid, and are deleted when it is not", async () => {
    const { master, ca } = await openMaster();
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
    // An account forgets a secret that goes, and an authority that was changed is put right.
    const secrets = [{ name: "right" }, { name: "other" }];
    await client.patch(serviceAccount, { namespace, name: "robot" }, { type: "merge", body: { secrets } });
    const right2 = { namespace, name: "right" };
    await client.patch(secret, right2, { type: "merge", body: { data: { "ca.crt": btoa("other") } } });
    await waitFor(client, secret, right2, { predicate: ({ data }) => atob(data?.["ca.crt"] ?? "") === ca });
    await client.delete(secret, right2);
    const isForgotten = (one: ServiceAccount) => one.secrets?.length === 1;
    const left = await waitFor(client, serviceAccount, { namespace, name: "robot" }, { predicate: isForgotten });
    expect(left.secrets).toEqual([{ name: "other" }]);
    await makeSecret(client, "nobody", "nobody");
    await waitFor(client, secret, { namespace, name: "nobody" }, { deleted: true });
  });
});

describe("planLegacyToken()", () => {
  const nowMs = Date.parse("2026-06-15T12:00:00Z");
  const year = 365 * 24 * 3_600_000;
  const account: ServiceAccount = {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "robot", uid: "u" },
    secrets: [{ name: "robot-token-abcde" }],
  };
  const held = (labels: Record<string, string> = {}, creationTimestamp = "2024-01-01T00:00:00Z") => ({
    metadata: { name: "robot-token-abcde", namespace, creationTimestamp, labels },
  });
  const plan = (changes: Partial<ObservedLegacyToken> = {}) =>
    planLegacyToken({
      secret: held() as Secret,
      account,
      trackedSince: "2024-01-01",
      isMounted: () => false,
      periodMs: year,
      nowMs,
      ...changes,
    });
  const marked = (day: string, used?: string) =>
    held({ [invalidSinceLabel]: day, ...(used ? { [lastUsedLabel]: used } : {}) }) as Secret;

  it.each<[string, Partial<ObservedLegacyToken>]>([
    ["uses are not noted", { trackedSince: undefined }],
    ["uses are noted for less than the period", { trackedSince: "2025-06-15" }],
    ["nobody can tell since when they are noted", { trackedSince: "long ago" }],
    ["it is young", { secret: held({}, "2025-07-01T00:00:00Z") as Secret }],
    ["it was used in the period", { secret: held({ [lastUsedLabel]: "2025-06-15" }) as Secret }],
    ["nobody can tell when it was used", { secret: held({ [lastUsedLabel]: "once" }) as Secret }],
    ["its account is gone", { account: undefined }],
    ["a person made it", { account: { ...account, secrets: [{ name: "other" }] } }],
    ["a pod has it", { isMounted: () => true }],
    ["it is out of force for less than the period", { secret: marked("2025-06-15") }],
    ["it is out of force, and was used since", { secret: marked("2025-01-01", "2026-01-01") }],
  ])("keeps a token when %s", (_, changes) => {
    expect(plan(changes)).toEqual({ type: "keep" });
  });

  it.each<[string, Partial<ObservedLegacyToken>]>([
    ["never", {}],
    ["more than the period ago", { secret: held({ [lastUsedLabel]: "2025-06-14" }) as Secret }],
    ["never, and is marked with what is no day", { secret: marked("yes") }],
  ])("takes a token out of force that was used %s, and deletes it a period later", (_, changes) => {
    expect(plan(changes)).toEqual({ type: "invalidate", since: "2026-06-15" });
    const later = { ...changes, secret: marked("2026-06-15"), nowMs: nowMs + year + 24 * 3_600_000 };
    expect(plan(later)).toEqual({ type: "delete" });
  });
});
