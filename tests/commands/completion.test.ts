import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { completeLine } from "../../commands/completion/complete_line.ts";
import { completionScripts } from "../../commands/completion/scripts.ts";
import type { CommandEnv } from "../../commands/env.ts";
import { globalFlags } from "../../commands/global_flags.ts";
import { verbs } from "../../commands/mod.ts";
import { type Cluster, startCluster } from "../../mod.ts";

let cluster: Cluster;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wherry-completion-"));
  cluster = await startCluster({ nodes: 0, runtime: "fake" });
  await writeFile(join(folder, "config"), cluster.kubeconfig, { mode: 0o600 });
  const spec = {
    containers: [
      { name: "main", image: "x" },
      { name: "side", image: "y" },
    ],
  };
  const web = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default" }, spec };
  await cluster.apply([web]);
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** What the words are completed to, against a cluster with one pod, `web`. */
async function complete(...words: string[]): Promise<readonly string[]> {
  const env = {
    client: async () => cluster.client,
    namespace: async () => "default",
    kubeconfig: join(folder, "config"),
    signal: new AbortController().signal,
  } as unknown as CommandEnv;
  return (await completeLine(words, { verbs, globals: globalFlags, env: () => env })).map(({ text }) => text);
}

describe("completeLine()", () => {
  it.each([
    [["desc"], ["describe"]],
    [["get", "confi"], ["configmaps"]],
    [["get", "pods", ""], ["web"]],
    [["get", "po", "web", ""], []],
    [["get", "pod/w"], ["pod/web"]],
    [["logs", ""], ["web"]],
    [["logs", "web", "-c", "s"], ["side"]],
    [["-n", "kube-s"], ["kube-system"]],
    [["get", "-n", "kube-s"], ["kube-system"]],
    [["get", "--context", ""], ["wherry"]],
    [["config", "use-context", "w"], ["wherry"]],
    [["get", "--no-h"], ["--no-headers"]],
    [
      ["rollout", "res"],
      ["restart", "resume"],
    ],
    [["nonsense", ""], []],
  ])("completes %j to %j", async (words, wanted) => {
    expect((await complete(...words)).filter((text) => wanted.length === 0 || wanted.includes(text))).toEqual(wanted);
  });

  it.each([
    [["get", "-n", "a", "pods", ""], { namespace: "a" }],
    [["-na", "--context=b", "get", "pods", ""], { namespace: "a", context: "b" }],
    [["get", "pods", "-An=a", "--kubeconfig", "c", "--no-headers", ""], { namespace: "a", kubeconfig: "c" }],
  ])("asks where the flags of %j say", async (words, wanted) => {
    let asked: unknown;
    const env = (given: Readonly<Record<string, string>>) => {
      asked = given;
      return { signal: new AbortController().signal } as CommandEnv;
    };
    await completeLine(words, { verbs, globals: globalFlags, env });
    expect(asked).toEqual(wanted);
  });

  it.each([
    [
      ["get", "po"],
      ["get", "po"],
    ],
    [
      ["get", "svc", ""],
      ["get", "svc", ""],
    ],
    [
      ["get", "--namespace", "=", "a", "po"],
      ["get", "--namespace=a", "po"],
    ],
    [
      ["get", "--context", "="],
      ["get", "--context="],
    ],
  ])("in bash completes the words %j as %j", (words, wanted) => {
    const script = `wherry() { printf '<%s>\\n' "$@"; }\n${completionScripts["bash"]}
      COMP_WORDS=(wherry "$@") COMP_CWORD=$#; _wherry; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8" });
    expect(stdout).toBe(["__complete", "--", ...wanted].map((word) => `<${word}>\n`).join(""));
  });

  it.each(Object.keys(completionScripts))("has a script for %s that asks for it", (shell) => {
    expect(completionScripts[shell]).toContain("wherry __complete -- ");
  });
});
