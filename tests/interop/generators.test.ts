import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import { kubectl, type Result, run, temporaryFolder } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { type Kubectl, kubectlEnv, parse, versions } from "./_kubectl.ts";

/** What `kubectl create` makes by itself: since 1.32 it sends that in protobuf. */
const clients = versions.filter(({ minor }) => minor >= 32);
const none: Kubectl = { name: "kubectl", path: "kubectl", minor: 0 };

/** What follows `create`, for an object of the name `made`. */
const generators: readonly (readonly string[])[] = [
  ["configmap", "made", "--from-literal=a=1", "--from-literal=empty="],
  ["configmap", "made", "--from-file=blob=BINARY", "--from-file=TEXT"],
  ["secret", "generic", "made", "--from-literal=password=s3cret", "--from-file=BINARY", "--type=my/type"],
  ["secret", "docker-registry", "made", "--docker-server=r.example", "--docker-username=u", "--docker-password=p"],
  ["deployment", "made", "--image=nginx:1", "--replicas=0", "--port=80"],
  ["deployment", "made", "--image=nginx:1", "--image=busybox"],
  ["deployment", "made", "--image=nginx:1", "--", "sh", "-c", "exit 0"],
  ["service", "clusterip", "made", "--tcp=80:8080", "--tcp=443:https"],
  ["service", "clusterip", "made", "--clusterip=None"],
  ["service", "nodeport", "made", "--tcp=80"],
  ["service", "loadbalancer", "made", "--tcp=5678:8080"],
  ["service", "externalname", "made", "--external-name=example.com"],
  ["serviceaccount", "made"],
];

/** The same, each with a name of its own. */
const numbered = generators.map((args, index) => args.map((arg) => (arg === "made" ? `made-${index}` : arg)));

describe.skipIf(missing("kubectl", kubectl)).each(clients.length > 0 ? clients : [none])("$name create", (client) => {
  let cluster: Cluster;
  const folder = temporaryFolder();
  const file = (name: string) => join(folder.path, name);
  beforeAll(async () => {
    cluster = await startCluster({ runtime: "fake" });
    writeFileSync(file("config"), cluster.kubeconfig, { mode: 0o600 });
    writeFileSync(file("TEXT"), "gleich ä\n");
    writeFileSync(file("BINARY"), Uint8Array.from([0, 255, 128, 10]));
    for (const name of ["protobuf", "json"]) await ok(["create", "namespace", name]);
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  function call(args: readonly string[], input = ""): Promise<Result> {
    const env = { HOME: folder.path, KUBECONFIG: file("config"), ...kubectlEnv };
    return run(
      [client.path, `--cache-dir=${file("cache")}`, ...args.map((arg) => arg.replace(/\b(TEXT|BINARY)$/, file))],
      {
        env,
        input,
      },
    );
  }

  async function ok(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await call(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** An object without what differs between any two of them. */
  function essence(stdout: string): unknown {
    const { metadata, spec, ...rest } = parse(stdout);
    const { uid: _, resourceVersion: __, ...kept } = metadata;
    const own = new Set(["namespace", "creationTimestamp"]);
    const text = JSON.stringify({ ...rest, metadata: kept, spec }, (key, value) => (own.has(key) ? undefined : value));
    return JSON.parse(text.replace(/"127\.[\d.]+"/g, '"ADDRESS"').replace(/"nodePort":\d+/g, '"nodePort":0'));
  }

  it("namespace sends protobuf", async () => {
    const { code, stderr } = await call(["create", "namespace", "made", "-v=8"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/Content-Type: ?"?application\/vnd\.kubernetes\.protobuf/);
    expect(parse(await ok(["get", "namespace", "made", "-o", "json"]))).toMatchObject({
      metadata: { name: "made", labels: { "kubernetes.io/metadata.name": "made" } },
      status: { phase: "Active" },
    });
  });

  it.each(numbered.map((args) => [args.join(" "), args] as const))(
    "%s makes what its JSON does",
    async (_line, args) => {
      const at = args.includes("--") ? args.indexOf("--") : args.length;
      const create = (...flags: string[]) => ok(["create", ...args.slice(0, at), ...flags, ...args.slice(at)]);
      const made = await create("-o", "json", "-n", "protobuf");
      const manifest = await create("-o", "json", "--dry-run=client");
      const wanted = await ok(["create", "-f", "-", "-o", "json", "-n", "json"], manifest);
      expect(essence(made)).toEqual(essence(wanted));
    },
  );

  it("deployment makes one whose pods come, and drain evicts them", async () => {
    const ns = ["-n", "protobuf"];
    await ok(["create", "deployment", "web", "--image=nginx:1", "--replicas=2", ...ns]);
    await ok(["rollout", "status", "deployment/web", "--timeout=60s", ...ns]);
    await ok(["scale", "deployment/web", "--replicas=1", "--current-replicas=2", ...ns]);
    await ok(["rollout", "status", "deployment/web", "--timeout=60s", ...ns]);
    expect(await ok(["drain", cluster.nodes[0] ?? "", "--timeout=60s", "--force"])).toContain("evicted");
  });

  it("tells what the server refuses", async () => {
    const { code, stderr } = await call(["create", "configmap", "Not_a_name"]);
    expect(code).toBe(1);
    expect(stderr).toContain('ConfigMap "Not_a_name" is invalid: metadata.name: Invalid value: "Not_a_name"');
    await ok(["create", "serviceaccount", "twice"]);
    expect((await call(["create", "serviceaccount", "twice"])).stderr).toContain(
      'serviceaccounts "twice" already exists',
    );
    // Answered before the body has come.
    expect((await call(["create", "token", "nobody"])).stderr).toContain('serviceaccounts "nobody" not found');
    expect((await call(["create", "configmap", "a", "--token=wrong"])).stderr).toContain("Unauthorized");
  });
});
