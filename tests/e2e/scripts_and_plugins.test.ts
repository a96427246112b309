import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { delimiter, join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import { deployment } from "../../core/kinds/deployment.ts";
import type { Secret } from "../../core/kinds/secret.ts";
import { fakeDeployment } from "../cluster/manifests.ts";
import { run, start, temporaryFolder, wherry } from "./harness.ts";

const folder = temporaryFolder();
const programs = join(folder.path, "bin");
const onDeno = "Deno" in globalThis;
const env = {
  HOME: folder.path,
  KUBECONFIG: join(folder.path, "config"),
  PATH: `${programs}${delimiter}${process.env["PATH"] ?? ""}`,
};
let cluster: Cluster;

beforeAll(async () => {
  mkdirSync(programs);
  cluster = await startCluster({ runtime: "fake", nodes: 0 });
  writeFileSync(env.KUBECONFIG, cluster.kubeconfig, { mode: 0o600 });
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const said = (...args: readonly string[]) => run([...wherry, ...args], { env });

function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("wherry run-script", () => {
  it("runs a file with a client, its flags, and other programs: examples/sleep.ts", async () => {
    const web = fakeDeployment("web", 3);
    await cluster.apply([{ ...web, metadata: { ...web.metadata, labels: { tier: "dev" } } }, fakeDeployment("db", 2)]);
    const replicas = async (name: string) =>
      (await cluster.client.get(deployment, { namespace: "default", name })).spec.replicas;

    const asleep = await said("run-script", "examples/sleep.ts", "tier=dev");
    expect(asleep).toEqual({ code: 0, stdout: "web: 3 -> 0\n", stderr: "" });
    expect([await replicas("web"), await replicas("db")]).toEqual([0, 2]);
    expect((await said("run-script", "examples/sleep.ts", "--wake", "tier=dev")).stdout).toBe("web: 0 -> 3\n");
    expect(await replicas("web")).toBe(3);
    expect((await said("run-script", "examples/sleep.ts")).code).toBe(2);
  });

  it("gives words and flags behind the file to the script, and takes those before it for its own", async () => {
    // What this file needs of others it imports as it would anywhere: they are TypeScript too, with the enums that Node refuses.
    file(
      "other.ts",
      "enum Tone { Calm, Loud }\nexport const shout = (text: string, tone = Tone.Loud): string => (tone ? text.toUpperCase() : text);\n",
    );
    const path = file(
      "words.ts",
      'import { shout } from "./other.ts";\nexport async function main({ namespace, args, words }: { namespace: string; args: object; words: readonly string[] }) {\n  console.log(shout(namespace), JSON.stringify(args), JSON.stringify(words));\n  return 7 as number;\n}\n',
    );
    expect(await said("-n", "kube-system", "run-script", path, "a", "-n", "5", "--help", "--", "-x")).toEqual({
      code: 7,
      stdout: 'KUBE-SYSTEM {"_":["a","-x"],"n":5,"help":true} ["a","-n","5","--help","--","-x"]\n',
      stderr: "",
    });
  });

  it("says in a line what the script threw, and what is no script", async () => {
    const path = file("throws.ts", 'export async function main() {\n  throw new Error("no tea");\n}\n');
    expect(await said("run-script", path)).toEqual({ code: 1, stdout: "", stderr: "error: no tea\n" });
    expect((await said("-v=1", "run-script", path)).stderr).toMatch(/no tea\n.*throws\.ts:2/);
    const none = file("none.ts", "export const nothing = 1;\n");
    expect((await said("run-script", none)).stderr).toBe(`error: ${none} exports no function main\n`);
    expect((await said("run-script", "no/such.ts")).stderr).toBe('error: the path "no/such.ts" is not a file\n');
  });

  it.skipIf(onDeno)("finds the library for a script that lies outside of any package", async () => {
    const path = file(
      "kinds.ts",
      'import { configMap, type ScriptContext } from "wherry";\nexport async function main({ client }: ScriptContext) {\n  const { items } = await client.list(configMap, { namespace: "kube-system" });\n  console.log(items.some(({ metadata }) => metadata.name === "extension-apiserver-authentication"));\n}\n',
    );
    expect(await said("run-script", path)).toEqual({ code: 0, stdout: "true\n", stderr: "" });
  });

  it("aborts the script's signal by Ctrl-C", async () => {
    const path = file(
      "waits.ts",
      'export async function main({ signal }: { signal: AbortSignal }) {\n  console.log("waiting");\n  const timer = setInterval(() => {}, 60_000);\n  await new Promise((resolve) => signal.addEventListener("abort", resolve));\n  clearInterval(timer);\n  console.log("told");\n  return 4;\n}\n',
    );
    await using script = start([...wherry, "run-script", path], { env });
    await script.printed(/waiting/);
    expect(await script.stop("SIGINT")).toMatchObject({ code: 4, stdout: "waiting\ntold\n" });
  });
});

describe("programs on PATH", () => {
  beforeAll(() => {
    file("bin/wherry-tea_time", '#!/bin/sh\necho "wherry $*"\nexit 3\n', 0o700);
    file("bin/kubectl-tea_time", "#!/bin/sh\necho never\n", 0o700);
    file("bin/kubectl-tea-green", '#!/bin/sh\necho "green $*"\n', 0o700);
  });

  it("are verbs: the longest name that fits, wherry's before kubectl's, with what follows and its exit code", async () => {
    expect(await said("tea-time", "now", "--hot")).toEqual({ code: 3, stdout: "wherry now --hot\n", stderr: "" });
    expect(await said("tea", "green", "a")).toEqual({ code: 0, stdout: "green a\n", stderr: "" });
    expect((await said("tea", "black")).stderr).toContain('unknown command "tea"');
  });

  it("are listed, with what is wrong with them", async () => {
    const only = { ...env, PATH: programs };
    const list = (...args: readonly string[]) => run([...wherry, "plugin", "list", ...args], { env: only });
    expect(await list("--name-only")).toEqual({
      code: 0,
      stdout:
        "The following compatible plugins are available:\n\nkubectl-tea-green\nkubectl-tea_time\nwherry-tea_time\n",
      stderr: "",
    });
    const closed = file("bin/kubectl-get", "", 0o600);
    const { code, stdout, stderr } = await list();
    expect(code).toBe(1);
    expect(stdout).toContain(`${closed}\n`);
    expect(stderr).toContain(`  - warning: ${closed} identified as a kubectl plugin, but it is not executable\n`);
    expect(stderr).toContain('  - warning: kubectl-get overwrites existing command: "wherry get"\n');
    expect(stderr).toMatch(/error: 2 plugin warnings were found\n$/);
  });
});

describe("-v", () => {
  it("shows requests from 6 on, headers from 7, bodies from 8, and never a secret", async () => {
    const data = { k: btoa("hidden") };
    const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "default" }, data };
    await cluster.apply([secret]);
    const shown = async (level: number) =>
      (await said("get", "--raw", "/api/v1/namespaces/default/secrets/s", `-v=${level}`)).stderr;
    const [six, seven, eight] = [await shown(6), await shown(7), await shown(8)];
    expect(six).toMatch(/"Response" verb="GET" url="https:\S+\/api\/v1\/namespaces\/default\/secrets\/s" status="200"/);
    expect(six).not.toContain("headers=");
    expect(seven).toContain("headers=<");
    expect(seven).not.toContain("Body");
    expect(eight).toMatch(/"Response Body" body="<masked, \d+ bytes>"/);
    expect(six + seven + eight).not.toContain(data.k);
    expect((await said("get", "--raw", "/version", "--token=my-own-token", "-v=8")).stderr).not.toContain(
      "my-own-token",
    );
  });
});

describe("wherry proxy", () => {
  it("serves the API with the user's credentials: what is asked for, a watch, and no other host", async () => {
    await using proxy = start([...wherry, "proxy", "--port=0"], { env });
    const [, address = ""] = await proxy.printed(/Starting to serve on (\S+)\n/);
    const version = await fetch(`http://${address}/version`);
    expect(await version.json()).toMatchObject({ major: "1", gitVersion: expect.stringMatching(/^v1\./) as string });
    expect(await statusFor(address, "/version", "evil.example.com")).toBe(403);
    expect((await fetch(`http://${address}/api/v1/namespaces/default/pods/x/exec`)).status).toBe(403);

    const watch = await fetch(`http://${address}/api/v1/namespaces/default/configmaps?watch=true`);
    const reader = (watch.body as ReadableStream<Uint8Array>).getReader();
    await cluster.apply([{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "seen", namespace: "default" } }]);
    let text = "";
    while (!text.includes('"seen"')) {
      const { value, done } = await reader.read();
      expect(done).toBe(false);
      text += new TextDecoder().decode(value);
    }
    expect(text).toContain('"type":"ADDED"');
    await reader.cancel();
  });
});

/** fetch() lets nobody choose the host that a request is for. */
function statusFor(address: string, path: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(`http://${address}${path}`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe("wherry options", () => {
  it("lists the flags that every verb has, in kubectl's form", async () => {
    const { stdout } = await said("options");
    expect(stdout).toMatch(
      /^The following options can be passed to any command:\n\n {4}--as='':\n\t\S.*\n\n {4}--as-group=\[\]:\n/,
    );
    expect(stdout).toMatch(/\n {4}-n, --namespace='':\n\t\S/);
    expect(stdout).toMatch(/\n {4}--insecure-skip-tls-verify=false:\n\t\S/);
    expect(stdout).toMatch(/\n {4}-v, --v=0:\n\t[^\n]+\n\n {4}--vmodule='':\n/);
    expect(stdout).toMatch(/\n {4}--warnings-as-errors=false:\n\t[^\n]+\n\n$/);
  });
});
