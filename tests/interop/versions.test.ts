import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubectl } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { dialects, type Interop, startInterop, versions } from "./_kubectl.ts";

/** A manifest with two config maps that one selector finds, or only the second of them. */
const pair = (names: readonly string[]) => ({
  apiVersion: "v1",
  kind: "List",
  items: names.map((name) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { app: "pair" } } })),
});

/** Every kind of object, with the generator that makes one. */
const generators: readonly (readonly string[])[] = [
  ["serviceaccount", "one"],
  ["configmap", "one", "--from-literal=a=b"],
  ["secret", "generic", "one", "--from-literal=a=b"],
  ["service", "clusterip", "one", "--tcp=80"],
  ["role", "one", "--verb=get", "--resource=pods"],
  ["rolebinding", "one", "--role=one", "--user=u", "--group=g", "--serviceaccount=default:one"],
  ["quota", "one", "--hard=pods=5"],
  ["ingress", "one", "--rule=example.com/path=one:80", "--class=n", "--default-backend=one:80"],
  ["job", "one", "--image=x"],
  ["cronjob", "one", "--image=x", "--schedule=0 0 1 1 *"],
  ["poddisruptionbudget", "one", "--selector=a=b", "--min-available=1"],
];

/** Generators of what is in no namespace; names are followed by the version of kubectl. */
const clusterGenerators: readonly (readonly [string, ...string[]])[] = [
  ["clusterrole", "--verb=get", "--resource=pods"],
  ["clusterrolebinding", "--clusterrole=view", "--user=u"],
  ["priorityclass", "--value=10"],
];

/** The same of every version of kubectl that is here; on Deno of the newest and the oldest. */
const clients = "Deno" in globalThis ? dialects : versions;
describe.skipIf(missing("kubectl", kubectl))("every kubectl", () => {
  let cluster: Interop;
  beforeAll(async () => {
    cluster = await startInterop();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  describe.concurrent.each(clients)("$name", (client) => {
    const namespace = `v${client.name.replaceAll(".", "-")}`;
    const call = { client, namespace };
    beforeAll(async () => {
      await cluster.namespace(namespace);
    });

    it("finds every kind, and shows all of them in one table after the other", async () => {
      const names = (await cluster.ok(["api-resources", "--verbs=list", "-o", "name"], { client })).trim().split("\n");
      expect(names.length).toBeGreaterThan(50);
      for (const name of [
        "pods",
        "ingresses.networking.k8s.io",
        "roles.rbac.authorization.k8s.io",
        "csidrivers.storage.k8s.io",
      ])
        expect(names).toContain(name);
      expect(await cluster.ok(["api-versions"], { client })).toContain("flowcontrol.apiserver.k8s.io/v1\n");
      await cluster.ok(["get", names.join(","), "-A", "-o", "wide"], { client });
    });

    it("explains kinds of several groups to the last field", async () => {
      for (const [kind, field] of [
        ["pods", "topologySpreadConstraints"],
        ["ingresses", "ingressClassName"],
        ["validatingwebhookconfigurations", "matchPolicy"],
        ["certificatesigningrequests", "signerName"],
        ["storageclasses", "volumeBindingMode"],
      ] as const)
        expect(await cluster.ok(["explain", kind, "--recursive"], { client })).toContain(field);
    });

    it("creates whatever it has a generator for", async () => {
      for (const generator of generators) await cluster.ok(["create", ...generator], call);
      for (const [kind, ...flags] of clusterGenerators)
        await cluster.ok(["create", kind, `one-${namespace}`, ...flags], call);
      const kinds = "sa,cm,secret,svc,role,rolebinding,quota,ing,job,cj,pdb";
      const shown = await cluster.ok(["get", kinds, "-o", "name"], call);
      expect(shown.split("\n").filter((name) => name.endsWith("/one"))).toHaveLength(generators.length);
      expect(await cluster.ok(["get", "ingress", "one"], call)).toMatch(/one +n +example.com +80 /);
      expect(await cluster.ok(["describe", "role", "one"], call)).toMatch(/pods +\[\] +\[\] +\[get\]/);
    });

    it("prunes what is no longer in the manifest", async () => {
      await cluster.ok(["apply", "-f", "-"], { ...call, input: pair(["first", "second"]) });
      const said = await cluster.ok(["apply", "--prune", "-l", "app=pair", "-f", "-"], {
        ...call,
        input: pair(["second"]),
      });
      expect(said).toContain("configmap/first pruned");
      expect(await cluster.ok(["get", "cm", "-l", "app=pair", "-o", "name"], call)).toBe("configmap/second\n");
    });
  });
});
