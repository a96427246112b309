import * as x509 from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { dialects, type Interop, type Kubectl, startInterop } from "./_kubectl.ts";

/** Who may do what, as kubectl of every dialect asks, grants and uses it. */

let interop: Interop;
const clients = dialects.map((client): [string, Kubectl] => [client.name, client]);

beforeAll(async () => {
  if (dialects.length > 0) interop = await startInterop();
});

afterAll(() => interop?.[Symbol.asyncDispose]());

describe.skipIf(missing("kubectl", dialects.length > 0))("rights", () => {
  it.each(clients)("can be asked for, granted and listed: %s", async (name, client) => {
    const namespace = await interop.namespace(`rights-${name.replaceAll(/[^0-9a-z]/g, "-")}`);
    const options = { client, namespace };
    const can = async (...args: readonly string[]) =>
      (await interop.kubectl(["auth", "can-i", ...args, "--as=bob"], options)).stdout.trim();
    expect(await can("list", "pods")).toBe("no");
    await interop.ok(["create", "role", "reader", "--verb=get,list", "--resource=pods,pods/log"], options);
    await interop.ok(
      ["create", "rolebinding", "readers", "--role=reader", "--user=bob", `--serviceaccount=${namespace}:default`],
      options,
    );
    expect(await can("list", "pods")).toBe("yes");
    expect(await can("get", "pods", "--subresource=log")).toBe("yes");
    expect(await can("delete", "pods")).toBe("no");
    expect(await can("get", "/metrics")).toBe("no");
    const list = await interop.ok(["auth", "can-i", "--list", "--as=bob"], options);
    expect(list).toMatch(/^pods\s+\[\]\s+\[\]\s+\[get list\]$/m);
    expect(await interop.ok(["get", "pods", `--as=system:serviceaccount:${namespace}:default`], options)).toBe("");
    expect(await interop.fails(["get", "secrets", "--as=bob"], options)).toBe(
      `Error from server (Forbidden): secrets is forbidden: User "bob" cannot list resource "secrets" in API group "" in the namespace "${namespace}"\n`,
    );
  });

  it.each(clients)("are reconciled from a file: %s", async (name, client) => {
    const namespace = await interop.namespace(`reconcile-${name.replaceAll(/[^0-9a-z]/g, "-")}`);
    const role = (verbs: readonly string[]) => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { name: "maker", namespace },
      rules: [{ apiGroups: [""], resources: ["configmaps"], verbs }],
    });
    for (const verbs of [["get"], ["get", "create"]])
      await interop.ok(["auth", "reconcile", "-f", "-"], { client, namespace, input: role(verbs) });
    const rules = JSON.parse(await interop.ok(["get", "role", "maker", "-o", "json"], { client, namespace })).rules;
    expect(rules.flatMap(({ verbs }: { verbs: string[] }) => verbs).sort()).toEqual(["create", "get"]);
  });

  it.each(clients.filter(([, { minor }]) => minor >= 27))(
    "tell who one is, and as whom one acts: %s",
    async (_name, client) => {
      const verb = client.minor < 28 ? ["alpha", "auth", "whoami"] : ["auth", "whoami"];
      const who = await interop.kubectl([...verb, "-o", "json", "--as=bob", "--as-group=dev"], { client });
      const beta =
        client.minor < 28 && who.code !== 0
          ? await interop.ok(["auth", "whoami", "-o", "json", "--as=bob", "--as-group=dev"], { client })
          : who.stdout;
      expect(JSON.parse(beta).status.userInfo).toEqual({ username: "bob", groups: ["dev", "system:authenticated"] });
    },
  );

  it.each(clients.filter(([, { minor }]) => minor >= 24))(
    "come with tokens of service accounts: %s",
    async (_name, client) => {
      const token = (
        await interop.ok(
          ["create", "token", "default", "--duration=20m", "--audience=https://kubernetes.default.svc.cluster.local"],
          { client },
        )
      ).trim();
      const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
      expect(claims).toMatchObject({
        sub: "system:serviceaccount:default:default",
        aud: ["https://kubernetes.default.svc.cluster.local"],
      });
      expect(claims.exp - claims.iat).toBe(1200);
      expect(await interop.fails(["create", "token", "default", "--duration=1m"], { client })).toContain(
        "may not specify a duration less than 10 minutes",
      );
    },
  );

  it.each(clients)("are asked for and given as certificates: %s", async (name, client) => {
    const csrName = `csr-${name.replaceAll(/[^0-9a-z]/g, "-")}`;
    const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: "CN=carol,O=dev",
      keys,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    });
    const csr = {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { name: csrName },
      spec: {
        request: btoa(request.toString("pem")),
        signerName: "kubernetes.io/kube-apiserver-client",
        expirationSeconds: 3600,
        usages: ["client auth"],
      },
    };
    await interop.ok(["create", "-f", "-"], { client, input: csr });
    expect(await interop.ok(["get", "csr", csrName], { client })).toMatch(/kube-apiserver-client\s+admin\s.*Pending/);
    await interop.ok(["certificate", "approve", csrName], { client });
    await interop.ok(["wait", `csr/${csrName}`, "--for=condition=Approved", "--timeout=60s"], { client });
    const issued = await eventually(
      "the certificate was issued",
      async () =>
        (await interop.ok(["get", "csr", csrName, "-o", "jsonpath={.status.certificate}"], { client })) || undefined,
    );
    const certificate = new x509.X509Certificate(atob(issued));
    expect(certificate.subject).toBe("CN=carol, O=dev");
    expect(certificate.notAfter.getTime() - Date.now()).toBeLessThan(3_600_000);
    expect(await interop.ok(["get", "csr", csrName], { client })).toMatch(/Approved,Issued/);
    await interop.ok(["delete", "csr", csrName], { client });
  });
});
