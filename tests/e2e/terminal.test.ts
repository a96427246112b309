import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missing } from "../require.ts";
import { startUp, type TestCluster, temporaryFolder, wherry } from "./harness.ts";
import { inTerminal, type Pty, python } from "./pty.ts";

const signals = { hangUp: 1, terminate: 15, goOn: 18, stop: 20 };
const ctrlC = "\x03";
const stays = "trap 'exit 0' TERM; echo hello; while :; do sleep 60 & wait $!; done";
/** Deno draws on a terminal what it loads, unless it is told to be quiet. */
const program = wherry.flatMap((word) => (word === "run" ? [word, "--quiet"] : [word]));
const prompt = /[#$] /;
const clearLine = "\r\x1b[K";

/** What is promised of a terminal, in a real one. */
describe.skipIf(missing("python3", python))("on a terminal", () => {
  const folder = temporaryFolder();
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await startUp(folder.path);
    const pod = (name: string, container: object) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "main", image: "shell:1", ...container }],
      },
    });
    await cluster.apply(
      pod("shell", { command: ["sh", "-c", stays] }),
      pod("typed", { command: ["sh"], stdin: true, tty: true }),
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { colour: "green" } },
    );
    await cluster.ok("wait", "pod/shell", "pod/typed", "--for=condition=Ready");
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** Runs a verb in a terminal. */
  function verb(line: string | readonly string[], env: Record<string, string> = {}): Pty {
    const words = typeof line === "string" ? line.split(" ") : line;
    return inTerminal([...program, "--kubeconfig", cluster.kubeconfig, ...words], {
      HOME: folder.path,
      ...env,
    });
  }

  /** All that a verb shows until its end. */
  async function shown(line: string, env: Record<string, string> = {}): Promise<string> {
    await using terminal = verb(line, env);
    await terminal.ended();
    return terminal.output();
  }

  it("states have colours, unless NO_COLOR, CLICOLOR or --color say otherwise; a pipe gets none", async () => {
    const green = "\x1b[32mRunning\x1b[0m";
    expect(await shown("get pod shell")).toContain(green);
    for (const none of [{ NO_COLOR: "1" }, { CLICOLOR: "0" }])
      expect(await shown("get pod shell", none)).not.toContain("\x1b");
    expect(await shown("get pod shell --color=never")).not.toContain("\x1b");
    expect(await cluster.ok("get", "pod", "shell")).not.toContain("\x1b");
    expect(await cluster.ok("get", "pod", "shell", "--color=always")).toContain(green);
  });

  it("what takes a while says how far it is on a line that is gone at the end", async () => {
    const goal = "jsonpath={.metadata.labels.done}=yes";
    await using waiting = verb(`wait pod/shell --for=${goal} --timeout=120s`);
    await waiting.printed(/\rwaiting for jsonpath=\{\.metadata\.labels\.done\}=yes of pods\/shell/);
    await cluster.ok("label", "pod", "shell", "done=yes");
    expect((await waiting.ended()).code).toBe(0);
    expect(waiting.output()).toContain(`${clearLine}pod/shell condition met\r\n[pty: ended 0 cooked]`);

    const line = "wait pod/shell --for=condition=Never --timeout=1s";
    const error = "error: timed out waiting for the condition on pods/shell";
    for (const env of [{ TERM: "dumb" }, { CI: "true" }])
      expect(await shown(line, env)).toBe(`${error}\r\n[pty: ended 1 cooked]`);
    expect(await cluster.wherry(...line.split(" "))).toMatchObject({ stdout: "", stderr: `${error}\n` });
  });

  it("exec -it gives the command the terminal's size, each change of it, and every key, and the terminal back", async () => {
    await using terminal = verb("exec -it shell -- sh");
    await terminal.printed(prompt);
    terminal.type("stty size\r");
    await terminal.printed(/^24 80\r$/m);
    expect(await terminal.mode()).toBe("raw");
    terminal.resize({ rows: 40, columns: 100 });
    // The size goes its own way: it may come after the next line.
    terminal.type('until [ "$(stty size)" = "40 100" ]; do sleep 0.1; done; echo re""sized\r');
    // Where the size changes while the shell waits for the line, it may show its prompt once more.
    await terminal.printed(/^(# )?resized\r$/m);
    // It says so itself: a shell that is about to start what is to be interrupted may miss the key.
    terminal.type(`sh -c 'echo sl""eeping; exec sleep 100'\r`);
    await terminal.printed(/^(# )?sleeping\r$/m);
    terminal.type(ctrlC);
    terminal.type("echo code-$?\r");
    await terminal.printed(/code-130\r/);
    terminal.type("exit 7\r");
    expect(await terminal.ended()).toEqual({ code: 7, mode: "cooked" });
  });

  it.each([
    ["get -w", ["get", "pod", "shell", "-w"], /shell .*Running/],
    ["logs -f", ["logs", "shell", "-f"], /hello/],
    ["exec without a terminal", ["exec", "shell", "--", "sh", "-c", "echo begun; sleep 100"], /begun/],
  ])("Ctrl-C ends %s with 130", async (_what, words, first) => {
    await using terminal = verb(words);
    await terminal.printed(first);
    terminal.type(ctrlC);
    expect(await terminal.ended()).toEqual({ code: 130, mode: "cooked" });
    expect(terminal.output()).not.toMatch(/error/i);
  });

  it("a session that is stopped, ended or hung up leaves the terminal as it was", async () => {
    await using terminal = verb("exec -it shell -- sh");
    await terminal.printed(prompt);
    terminal.signal(signals.stop);
    expect(await terminal.stopped()).toBe("cooked");
    terminal.signal(signals.goOn);
    terminal.type('echo ag""ain\r');
    await terminal.printed(/^again\r$/m);
    expect(await terminal.mode()).toBe("raw");
    terminal.signal(signals.terminate);
    expect(await terminal.ended()).toEqual({ code: 130, mode: "cooked" });

    await using other = verb("exec -it shell -- sh");
    await other.printed(prompt);
    other.signal(signals.hangUp);
    expect(await other.ended()).toEqual({ code: 129, mode: "cooked" });
  });

  it("attach and run say that enter may be pressed, and pass the keys on", async () => {
    await using attached = verb("attach -it typed");
    await attached.printed(/If you don't see a command prompt, try pressing enter\.\r\n/);
    attached.type("echo att''ached\r");
    await attached.printed(/^attached\r$/m);
    attached.type("exit 0\r");
    expect(await attached.ended()).toEqual({ code: 0, mode: "cooked" });

    await using ran = verb("run once --image=shell:1 -it --rm --restart=Never --command -- sh");
    await ran.printed(/If you don't see a command prompt, try pressing enter\.\r\n/);
    ran.type("exit 3\r");
    expect(await ran.ended()).toEqual({ code: 3, mode: "cooked" });
    expect(ran.output()).toContain('pod "once" deleted');
  });

  it("edit gives its editor the terminal", async () => {
    const editor = join(folder.path, "editor.sh");
    writeFileSync(editor, '#!/bin/sh\ntest -t 0 && test -t 1 && sed -i s/green/red/ "$1"\n', { mode: 0o700 });
    await using terminal = verb("edit configmap settings", { KUBE_EDITOR: editor });
    await terminal.printed(/^configmap\/settings edited\r$/m);
    expect(await terminal.ended()).toEqual({ code: 0, mode: "cooked" });
    expect(await cluster.ok("get", "configmap", "settings", "-o", "jsonpath={.data.colour}")).toBe("red");
  });

  // The last: it empties the node.
  it("roll-outs, deletions and drains say how far they are, too", async () => {
    const gate = join(folder.path, "gate");
    const labels = { app: "slow" };
    await cluster.apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "slow" },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 3,
            containers: [
              {
                name: "deaf",
                image: "shell:1",
                command: ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
                readinessProbe: { exec: { command: ["test", "-e", gate] }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    });
    await using rolling = verb("rollout status deployment/slow");
    await rolling.printed(/\rdeployment\/slow: 1 of 1 pods updated, 0 ready/);
    writeFileSync(gate, "");
    expect((await rolling.ended()).code).toBe(0);
    expect(rolling.output()).toContain(`${clearLine}deployment "slow" successfully rolled out\r\n`);

    const [name = ""] = (await cluster.ok("get", "pods", "-l", "app=slow", "-o", "name")).trim().split("\n");
    await using deleting = verb(`delete ${name}`);
    await deleting.printed(/\r0 of 1 gone, waiting for the end of pods\/slow-/);
    expect((await deleting.ended()).code).toBe(0);

    await cluster.ok("rollout", "status", "deployment/slow");
    const node = (await cluster.ok("get", "nodes", "-o", "name")).trim();
    await using draining = verb(`drain ${node} --force`);
    await draining.printed(/\rnode\/[^ ]+: \d of \d pods gone/);
    expect((await draining.ended()).code).toBe(0);
    expect(draining.output()).toMatch(/node\/[^ ]+ drained\r\n/);
  });
});
