import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, kubectl, run, start, wherry } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { dialects, type Interop, shellDeployment, shellPod, startInterop, stay } from "./_kubectl.ts";

const megabytes = 1024 * 1024;

const oldestAndNewest = dialects.filter((_, index) => index === 0 || index === dialects.length - 1);

/** A small HTTP server: `/big` has 5 MB, `/long` ends when somebody asks for `/enough`, everything else says hello. */
const server = [
  'const big = Buffer.alloc(5 * 1024 * 1024, "0123456789abcdef");',
  "let long;",
  "const serve = ({ url }, response) => {",
  '  if (url === "/long") return (long = response).write("begin\\n");',
  '  if (url === "/enough") long.end("end\\n");',
  '  response.end(url === "/big" ? big : "hello\\n");',
  "};",
  'require("node:http").createServer(serve).listen(8080, process.env.POD_IP);',
].join("\n");

/** What kubectl streams: logs, exec, attach, port-forward. */
describe.skipIf(missing("kubectl", kubectl))("kubectl streams", () => {
  let cluster: Interop;
  const ns = { namespace: "streams" };
  const exec = (...args: string[]) => cluster.kubectl(["exec", ...args], ns);
  beforeAll(async () => {
    cluster = await startInterop();
    await cluster.namespace("streams");
    const web = {
      name: "main",
      image: "node:20",
      command: [process.execPath, ...("Deno" in globalThis ? ["eval", "--ext=cjs"] : ["-e"]), server],
      env: [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
      ports: [{ name: "http", containerPort: 8080 }],
      readinessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 1, timeoutSeconds: 30 },
    };
    const pod = shellPod("web", "", { containers: [web] }, { app: "web" });
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
    };
    const lines = shellPod(
      "lines",
      `for n in 1 2 3 4 5; do echo line $n; done; echo oops >&2; ${stay}`,
      {},
      { app: "lines" },
    );
    for (const input of [pod, service, lines, shellDeployment("twins", `echo I am $HOSTNAME; ${stay}`, 2)])
      await cluster.ok(["create", "-f", "-"], { ...ns, input });
    await cluster.ok(["rollout", "status", "deploy/twins", "--timeout=60s"], ns);
    await cluster.ok(["wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s"], ns);
    // A container runs before it has said all that it says.
    const said = async (...of: string[]) => await cluster.ok(["logs", ...of], ns);
    await eventually("everything was said", async () => {
      const [lines, twins] = [await said("lines"), await said("-l", "app=twins")];
      return lines.includes("oops\n") && twins.match(/I am/g)?.length === 2 ? true : undefined;
    });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.concurrent.each([
    [[], "line 1\nline 2\nline 3\nline 4\nline 5\noops\n"],
    [["--tail=2"], "line 5\noops\n"],
    [["--tail=0"], ""],
    [["--since=1h", "--tail=1"], "oops\n"],
    [["--since-time=2999-01-01T00:00:00Z"], ""],
    [["--limit-bytes=8"], "line 1\nl"],
    [["--prefix", "--tail=1"], "[pod/lines/main] oops\n"],
  ])("logs %j", async (flags, expected) => {
    expect(await cluster.ok(["logs", "lines", ...flags], ns)).toBe(expected);
  });

  it.concurrent("logs --timestamps says when", async () => {
    expect(await cluster.ok(["logs", "lines", "--timestamps", "--tail=1"], ns)).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z oops\n$/,
    );
  });

  it.concurrent("logs of a deployment, of a label, and of what is not there", async () => {
    expect(await cluster.ok(["logs", "deploy/twins"], ns)).toMatch(/I am/);
    expect((await cluster.ok(["logs", "-l", "app=twins"], ns)).match(/I am/g)).toHaveLength(2);
    expect(await cluster.fails(["logs", "none"], ns)).toMatch(/pods "none" not found/);
    expect(await cluster.fails(["logs", "lines", "-c", "none"], ns)).toMatch(
      /container none is not valid for pod lines/,
    );
    expect(await cluster.fails(["logs", "lines", "--previous"], ns)).toMatch(
      /previous terminated container "main" in pod "lines" not found/,
    );
  });

  it.concurrent("logs -f follows until the pod ends", async () => {
    await cluster.ok(["create", "-f", "-"], {
      ...ns,
      input: shellPod("talks", "echo begin; while [ ! -e go ]; do sleep 0.1; done; echo end", {
        restartPolicy: "Never",
      }),
    });
    await cluster.ok(["wait", "pod/talks", "--for=condition=Ready", "--timeout=60s"], ns);
    await using following = cluster.start(["logs", "-f", "talks"], ns);
    await following.printed(/^begin$/m);
    await cluster.ok(["exec", "talks", "--", "touch", "go"], ns);
    await following.printed(/^end$/m);
    const [code] = await new Promise<[number | null]>((resolve) => {
      if (following.child.exitCode !== null) resolve([following.child.exitCode]);
      else following.child.once("exit", (exitCode) => resolve([exitCode]));
    });
    expect(code).toBe(0);
    expect(following.output()).toBe("begin\nend\n");
  });

  it.concurrent("exec gives both streams and the exit code back", async () => {
    expect(await exec("lines", "--", "sh", "-c", "echo out; echo err >&2; exit 7")).toEqual({
      code: 7,
      stdout: "out\n",
      stderr: "err\ncommand terminated with exit code 7\n",
    });
    expect((await exec("deploy/twins", "--", "echo", "a b", "$HOME", "'")).stdout).toBe("a b $HOME '\n");
    expect((await exec("lines", "--", "sh", "-c", "kill -9 $$")).code).toBe(137);
    expect((await exec("lines", "--", "no-such-program")).code).not.toBe(0);
    expect((await exec("lines", "-c", "none", "--", "true")).stderr).toMatch(
      /container not found|container none is not valid for pod lines|container none not found/,
    );
  });

  it.concurrent.each(dialects.map((client) => [client.name, client] as const))(
    "%s sends 3 MB through exec and gets them back",
    async (_name, client) => {
      const input = randomBytes(1.5 * megabytes).toString("hex");
      const options = { ...ns, client, input };
      expect((await cluster.ok(["exec", "-i", "lines", "--", "cat"], options)) === input).toBe(true);
      const { code, stdout, stderr } = await cluster.kubectl(
        ["exec", "-i", "lines", "--", "sh", "-c", "wc -c; exit 7"],
        options,
      );
      expect([code, stdout.trim(), stderr]).toEqual([7, String(input.length), "command terminated with exit code 7\n"]);
    },
  );

  it.each(dialects.map((client) => [client.name, client] as const))(
    "%s cp carries a file both ways, attach input to its end and what comes of it",
    async (name, client) => {
      // Large once: what is large travels as what is small does.
      const isLarge = client === dialects[0] && !("Deno" in globalThis);
      const content = randomBytes((isLarge ? 64 : 1) * megabytes);
      const [there, back] = [join(cluster.folder, `there-${name}`), join(cluster.folder, `back-${name}`)];
      writeFileSync(there, content);
      const options = { ...ns, client };
      await cluster.ok(["cp", there, `lines:copy-${name}`], options);
      await cluster.ok(["cp", `lines:copy-${name}`, back], options);
      expect(readFileSync(back).equals(content)).toBe(true);

      const reader = name.replaceAll(".", "-");
      const main = { name: "main", image: "shell:1", command: ["sh", "-c", "tr a-z A-Z; echo end"] };
      const spec = { restartPolicy: "Never", containers: [{ ...main, stdin: true, stdinOnce: true }] };
      await cluster.ok(["create", "-f", "-"], {
        ...ns,
        input: { apiVersion: "v1", kind: "Pod", metadata: { name: reader }, spec },
      });
      await cluster.ok(["wait", `pod/${reader}`, "--for=condition=Ready", "--timeout=60s"], ns);
      await cluster.ok(["attach", "-i", reader], { ...options, input: "typed\n" });
      expect(await cluster.ok(["logs", "-f", reader], options)).toBe("TYPED\nend\n");
    },
  );

  it.concurrent("exec passes through wherry proxy, where that lets it", async () => {
    const proxy = async (...flags: readonly string[]) => {
      const running = start([...wherry, "proxy", "--port=0", ...flags], { env: cluster.env });
      const [, address] = await running.printed(/Starting to serve on (\S+)/);
      return { running, server: `--server=http://${address}` };
    };
    const open = await proxy("--reject-paths=^/nothing$");
    await using _open = open.running;
    const closed = await proxy();
    await using _closed = closed.running;
    for (const client of oldestAndNewest) {
      const options = { ...ns, client, input: "typed" };
      const words = ["exec", "-i", "lines", "--", "sh", "-c", "cat; exit 3"];
      expect(await cluster.kubectl([open.server, ...words], options)).toMatchObject({ code: 3, stdout: "typed" });
      expect(await cluster.fails([closed.server, ...words], options)).toMatch(/Forbidden|forbidden|unable to upgrade/);
    }
  });

  it.concurrent.each(oldestAndNewest.map((client) => [client.name, client] as const))(
    "%s exec -it has a terminal of the right size",
    async (_name, client) => {
      // kubectl says the size on a stream of its own, which may come after the program's start.
      const script = "tty >/dev/null && until stty size | grep -v '^0 0'; do sleep 0.05; done && exit 5";
      const line = cluster.command(["exec", "-it", "lines", "--", "timeout", "60", "sh", "-c", script], {
        ...ns,
        client,
      });
      const { code, stdout } = await run(
        ["script", "-qec", `stty rows 33 cols 111; ${line.map(quote).join(" ")}`, "/dev/null"],
        { env: cluster.env },
      );
      expect(stdout).toMatch(/33 111/);
      expect(code).toBe(5);
    },
  );

  // What carries megabytes has the machine for itself.
  it.each(dialects.map((client) => [client.name, client] as const))(
    "%s port-forward carries HTTP and 5 MB to pods and services",
    async (_name, client) => {
      for (const target of ["pod/web", "svc/web"]) {
        await using forwarding = cluster.start(["port-forward", target, target === "pod/web" ? ":8080" : ":80"], {
          ...ns,
          client,
        });
        const [, port] = await forwarding.printed(/Forwarding from 127\.0\.0\.1:(\d+) -> 8080/);
        const url = `http://127.0.0.1:${port}`;
        expect(await (await fetch(url)).text()).toBe("hello\n");
        const sizes = await Promise.all(
          [1, 2, 3].map(async () => (await (await fetch(`${url}/big`)).arrayBuffer()).byteLength),
        );
        expect(sizes).toEqual(Array(3).fill(5 * megabytes));
        expect(forwarding.output()).not.toMatch(/error|lost/i);
      }
    },
  );

  it.each(oldestAndNewest.map((client) => [client.name, client] as const))(
    "%s port-forward goes on with one connection when the pod ends others",
    async (_name, client) => {
      await using forwarding = cluster.start(["port-forward", "pod/web", ":8080"], { ...ns, client });
      const [, port = ""] = await forwarding.printed(/Forwarding from 127\.0\.0\.1:(\d+) -> 8080/);
      const long = ask(port, "/long");
      await expect.poll(() => long.said()).toMatch(/begin/);
      for (let n = 0; n < 10; n++) expect(await ask(port, `/${n}`).all).toMatch(/hello/);
      expect(await ask(port, "/enough").all).toMatch(/hello/);
      expect(await long.all).toMatch(/begin\n[\s\S]*end\n/);
      expect(forwarding.output()).not.toMatch(/error|lost/i);
    },
  );

  it.concurrent("port-forward says when nobody listens", async () => {
    await using forwarding = cluster.start(["port-forward", "pod/web", ":9"], ns);
    const [, port] = await forwarding.printed(/Forwarding from 127\.0\.0\.1:(\d+) -> 9/);
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
    await forwarding.printed(/an error occurred forwarding \d+ -> 9: .*connect/i);
  });

  it.concurrent("attach shows what a container says from now on", async () => {
    await cluster.ok(["create", "-f", "-"], {
      ...ns,
      input: shellPod("chats", "while :; do echo tick; sleep 0.2; done"),
    });
    await cluster.ok(["wait", "pod/chats", "--for=condition=Ready", "--timeout=60s"], ns);
    await using attached = cluster.start(["attach", "chats"], ns);
    await attached.printed(/^tick$/m);
  });
});

/** A request on a connection that the server ends, and this side never does. */
function ask(port: string, path: string): { readonly all: Promise<string>; said(): string } {
  let said = "";
  const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
  const all = new Promise<string>((resolve, reject) => {
    socket.on("data", (part) => {
      said += part;
    });
    socket.once("end", () => resolve(said)).once("error", reject);
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n`);
  return { all: all.finally(() => socket.destroy()), said: () => said };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
