import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap } from "../../core/kinds/configmap.ts";
import { event } from "../../core/kinds/event.ts";
import {
  clusterFlags,
  ownAddress,
  type Result,
  run,
  startUp,
  type TestCluster,
  temporaryFolder,
  wherry,
} from "./harness.ts";
import { servers, serviceOf } from "./manifests.ts";

const folder = temporaryFolder();
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startUp(folder.path);
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** What a wrong use looks like: an exit code of 1, nothing on standard output, and no stack. */
function complaint({ code, stdout, stderr }: Result): string {
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).not.toMatch(/^ +at /m);
  return stderr;
}

/** A file with `text` in the folder of the test. */
function file(name: string, text: string): string {
  const path = join(folder.path, name);
  mkdirSync(folder.path, { recursive: true });
  writeFileSync(path, text);
  return path;
}

describe("bad input", () => {
  it.each([
    [
      ["gte", "pods"],
      'error: unknown command "gte" for "wherry" (did you mean "get"?)\nRun \'wherry --help\' for usage.\n',
    ],
    [["get", "pods", "--otuput", "x"], 'error: unknown flag: --otuput (did you mean "output"?)\n'],
    [["get", "pods", "-x"], "error: unknown shorthand flag: 'x' in -x\n"],
    [["get", "pods", "-o"], "error: flag needs an argument: 'o' in -o\n"],
    [
      ["rollout", "stauts"],
      'error: unknown command "stauts" (did you mean "status"?)\nSee \'wherry rollout -h\' for help and examples\n',
    ],
    [
      ["get", "pods", "-o", "xml"],
      'error: unable to match a printer suitable for the output format "xml", allowed formats are: ',
    ],
    [["get", "deplyoments"], 'error: the server doesn\'t have a resource type "deplyoments"'],
    [["scale", "deploy/web"], 'error: required flag(s) "replicas" not set\n'],
    [["scale", "deploy/web", "--replicas=many"], "error: "],
    [["wait", "pod/x", "--for=Ready"], 'error: unrecognized condition: "Ready"; use --for=condition=Ready'],
    [["up", "now"], "error: No arguments allowed for command \"up\".\nSee 'wherry up --help' for usage.\n"],
    [
      ["up", "--container-runtime", "podman"],
      'error: invalid --container-runtime "podman": use process, docker or auto\n',
    ],
    [["master", "--log-level", "loud"], 'error: invalid --log-level "loud": use debug, info, warn, error\n'],
    [["master", "--secure-port", "99999"], "error: Cannot listen on port 99999: choose one from 0 to 65535"],
    [
      ["service-proxy", "--config", "/nowhere.yaml"],
      "error: Cannot read the proxy file: there is no file /nowhere.yaml\n",
    ],
    [["apply"], "error: must specify one of -f and -k\n"],
    [["apply", "-f", "/nowhere/web.yaml"], 'error: the path "/nowhere/web.yaml" does not exist\n'],
    [["get", "pods", "--context", "nowhere"], "error: "],
  ])("wherry %j says what is wrong in one line", async (args, words) => {
    expect(complaint(await cluster.wherry(...args))).toContain(words);
  });

  it("suggests the nearest kind", async () => {
    expect(complaint(await cluster.wherry("get", "deplyoments"))).toContain('"deployments"');
    const typo = file("kind.yaml", "apiVersion: apps/v1\nkind: Deplyoment\nmetadata:\n  name: web\n");
    const words = complaint(await cluster.wherry("apply", "-f", typo));
    expect(words).toContain('no matches for kind "Deplyoment" in version "apps/v1"');
    expect(words).toContain('"Deployment"');
  });

  it("names the field of an invalid manifest", async () => {
    const { stderr, code } = await cluster.wherry(
      "apply",
      "-f",
      file("image.yaml", JSON.stringify(servers("web", 1, { image: undefined }))),
    );
    expect(code).toBe(1);
    expect(stderr).toContain('The Deployment "web" is invalid: spec.template.spec.containers[0].image: Required value');
    const unknown = servers("web", 1, { imagePullPolcy: "Never" });
    expect(complaint(await cluster.wherry("apply", "-f", file("typo.yaml", JSON.stringify(unknown))))).toContain(
      'unknown field "spec.template.spec.containers[0].imagePullPolcy"',
    );
    const port = serviceOf("web", { ports: [{ port: 70_000 }] });
    expect(complaint(await cluster.wherry("apply", "-f", file("port.yaml", JSON.stringify(port))))).toContain(
      "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
    );
  });

  it("names file and line of bad YAML", async () => {
    const bad = file("bad.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [a\ndata: {}\n");
    expect(complaint(await cluster.wherry("apply", "-f", bad))).toMatch(/bad\.yaml.*\bline [45]\b/s);
    const none = file("none.yaml", "kind: ConfigMap\nmetadata: {name: a}\n");
    expect(complaint(await cluster.wherry("apply", "-f", none))).toContain("apiVersion not set");
  });

  it("names the address of a server that does not answer, and what to try", async () => {
    const env = { HOME: folder.path, KUBECONFIG: join(folder.path, "missing") };
    expect(complaint(await run([...wherry, "get", "pods", "--server", "https://127.0.0.1:1"], { env }))).toBe(
      "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n",
    );
    expect(complaint(await run([...wherry, "get", "pods"], { env }))).toBe(
      `error: no cluster is configured in ${env.KUBECONFIG} - start one with "wherry up", or pass --kubeconfig or --server\n`,
    );
    expect(complaint(await run([...wherry, "get", "pods", "--kubeconfig", "/nowhere/config"], { env }))).toContain(
      "/nowhere/config",
    );
  });

  it("shows where an error came from with -v, and only then", async () => {
    const { stderr } = await cluster.wherry("get", "pod", "nobody", "-v=1");
    expect(stderr).toMatch(/pods "nobody" not found[\s\S]*^ +at /m);
  });

  it("says who wants a port that is taken", async () => {
    await using taken = await listenSomewhere();
    await using home = temporaryFolder();
    const up = [...wherry, "up", ...clusterFlags(home.path, ownAddress()), "--secure-port", String(taken.port)];
    expect(complaint(await run(up, { env: { HOME: home.path } }))).toMatch(
      new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${taken.port}: another program listens there.*--secure-port`),
    );
    await using busy = await listenSomewhere(cluster.nodePortAddress);
    const ports = [{ port: 80, targetPort: 8080, nodePort: busy.port }];
    await cluster.apply(servers("wants", 1), serviceOf("wants", { type: "NodePort", ports }));
    await cluster.up.printed(
      new RegExp(`Cannot listen for a service .*service=default/wants.* address=\\S+:${busy.port}`),
    );
    await cluster.ok("delete", "deploy/wants", "svc/wants", "--wait=false");
  });

  it("up names the folder that it cannot use, and what helps", async () => {
    const path = file("no-folder", "");
    const up = (dataDir: string) =>
      run([...wherry, "up", "--data-dir", dataDir, "--secure-port", "0"], { env: { HOME: folder.path } });
    const remedy = "something on the way is not a folder: move it away, or choose another --data-dir";
    expect(complaint(await up(path))).toBe(
      `error: Cannot read the cluster's state: ${path}/cluster.json: ENOTDIR: ${remedy}\n`,
    );
    // A folder that nobody can make one in, root neither.
    expect(complaint(await up("/sys/wherry"))).toMatch(
      /^error: Cannot write the cluster's state: \/sys\/wherry: \w+: .*, or choose another --data-dir\n$/,
    );
  });

  it("writes out what would move the cursor of whoever reads it", async () => {
    const metadata = { name: "evil", namespace: "default", annotations: { note: "\u001b]0;title\u0007\u202e" } };
    await cluster.client.create(configMap, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata,
      data: { text: "a\u001b[2Jb" },
    });
    await cluster.client.create(event, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "evil.1", namespace: "default" },
      involvedObject: { apiVersion: "v1", kind: "ConfigMap", name: "evil", namespace: "default" },
      reason: "Evil",
      message: "\u001b[31mred\r\u001b[0m",
      type: "Warning",
    });
    const events = await cluster.ok("get", "events");
    // As kubectl writes them.
    expect(events).toContain("^[[31mred");
    const described = await cluster.ok("describe", "cm", "evil");
    expect(described).toContain("note: ^[]0;title\\u0007\\u202e");
    for (const printed of [events, described, await cluster.ok("get", "cm", "evil", "-o", "yaml")])
      expect(printed).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

async function listenSomewhere(host = "127.0.0.1"): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer();
  for (;;) {
    // A node port has to lie in the range of node ports.
    const wanted = 30_000 + Math.floor(Math.random() * 2700);
    const bound = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(wanted, host, () => resolve(true));
    });
    if (!bound) continue;
    return {
      port: wanted,
      [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
    };
  }
}
