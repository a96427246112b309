import { describe, expect, it } from "vitest";
import { keyOf } from "../../../core/api/meta.ts";
import { configMap, namespace, type Secret, secret } from "../../../core/kinds/mod.ts";
import {
  bootstrapSignerController,
  detachedSignature,
  planSignatures,
} from "../../../master_daemon/controllers/bootstrap_signer.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { tokenCleanerController } from "../../../master_daemon/controllers/token_cleaner.ts";
import { openCluster } from "./_cluster.ts";
import { at, start } from "./fixtures.ts";

const info = { namespace: "kube-public", name: "cluster-info" };
const minute = 60_000;

function aToken(id: string, entries: Record<string, string> = {}): Secret {
  const all = { "token-id": id, "token-secret": "s".repeat(16), "usage-bootstrap-signing": "true", ...entries };
  const data = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, btoa(value)]));
  const metadata = { namespace: "kube-system", name: `bootstrap-token-${id}` };
  return { apiVersion: "v1", kind: "Secret", metadata, type: "bootstrap.kubernetes.io/token", data };
}

const aMap = (data: Record<string, string>) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { ...info }, data });

describe("detachedSignature()", () => {
  it("signs as client programs expect it", () => {
    const content = "Hello from the other side. I must have called a thousand times.";
    expect(detachedSignature(content, { id: "joshua", secret: "my voice is my passcode" })).toBe(
      "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8",
    );
  });
});

describe("planSignatures()", () => {
  const map = aMap({ kubeconfig: "x" });
  const signedBy = (held: Secret) => Object.keys(planSignatures(map, [held], start) ?? {});

  it.each<[string, Secret]>([
    ["is not for signing", aToken("abcdef", { "usage-bootstrap-signing": "false" })],
    ["has ended", aToken("abcdef", { expiration: at(-1000) })],
    ["ends nobody knows when", aToken("abcdef", { expiration: "soon" })],
    ["has another's name", { ...aToken("abcdef"), metadata: { namespace: "kube-system", name: "bootstrap-token-x" } }],
    ["has no secret", aToken("abcdef", { "token-secret": "" })],
    [
      "is another's namespace's",
      { ...aToken("abcdef"), metadata: { namespace: "default", name: "bootstrap-token-abcdef" } },
    ],
    ["is of another type", { ...aToken("abcdef"), type: "Opaque" }],
  ])("does not sign with a token that %s", (_, held) => {
    expect(signedBy(held)).toEqual([]);
  });

  it("signs with every other, and takes away what nobody signs any more", () => {
    const later = aToken("abcdef", { expiration: at(1000) });
    expect(signedBy(later)).toEqual(["kubeconfig", "jws-kubeconfig-abcdef"]);
    const signed = aMap(planSignatures(map, [later], start) ?? {});
    expect(planSignatures(signed, [later], start)).toBeUndefined();
    expect(planSignatures(signed, [], start)).toEqual({ kubeconfig: "x" });
    expect(planSignatures(aMap({ other: "x" }), [later], start)).toBeUndefined();
  });
});

it("what a cluster says of itself is signed while a token lasts, and the token goes when its time is over", async () => {
  const { client, parts, until, all, ...common } = await openCluster();
  parts.use(runControllers([bootstrapSignerController, tokenCleanerController], { client, ...common }));
  for (const name of ["kube-system", "kube-public"])
    await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await client.create(configMap, aMap({ kubeconfig: "apiVersion: v1" }));
  await client.create(secret, aToken("abcdef", { expiration: at(10 * minute) }));
  await client.create(secret, aToken("012345"));
  const signatures = async () =>
    Object.keys((await client.get(configMap, info)).data ?? {}).filter((name) => name !== "kubeconfig");
  await until(async () => (await signatures()).length === 2);
  expect((await all(secret, "kube-system")).length).toBe(2);
  await until(async () => (await all(secret, "kube-system")).length === 1, { stepMs: minute });
  expect(keyOf((await all(secret, "kube-system"))[0] as Secret).name).toBe("bootstrap-token-012345");
  expect(common.clock.now()).toBeGreaterThanOrEqual(start + 10 * minute);
  await until(async () => (await signatures()).join() === "jws-kubeconfig-012345");
});
