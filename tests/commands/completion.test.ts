import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { completeLine } from "../../commands/completion/complete_line.ts";
import { completionScripts } from "../../commands/completion/scripts.ts";
import type { CommandEnv } from "../../commands/env.ts";
import { globalFlags } from "../../commands/global_flags.ts";
import { verbs } from "../../commands/mod.ts";
import { startCluster } from "../../mod.ts";

/** What the words are completed to, against a cluster with one pod, `web`. */
async function complete(...words: string[]): Promise<readonly string[]> {
  await using cluster = await startCluster({ nodes: 0, runtime: "fake" });
  const { client } = cluster;
  const pods = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
  const spec = {
    containers: [
      { name: "main", image: "x" },
      { name: "side", image: "y" },
    ],
  };
  await client.create(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default" },
    spec,
  } as never);
  const env = {
    client: async () => client,
    namespace: async () => "default",
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
