import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import { writeTextFile } from "../../core/platform/files.ts";
import { run, temporaryFolder, wherry } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { kubectls } from "./_kubectl.ts";

/** The program as a function of the shell, so that scripts find it by the name that they look for. */
const words = wherry.map((word) => `'${word}'`).join(" ");
const [kubectl] = kubectls;
/** What bash-completion gives to scripts, as far as they use it here. */
const wordsOfBash = `_get_comp_words_by_ref() {
  words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
}`;

const inBash = (name: string, start: string, line: readonly string[]) => `${wordsOfBash}
  ${name}() { ${words} "$@"; }
  COMP_WORDS=(${[name, ...line].map((word) => `'${word}'`).join(" ")}) COMP_CWORD=${line.length} COMP_TYPE=63
  COMP_LINE='${[name, ...line].join(" ")}' COMP_POINT=\${#COMP_LINE}
  ${start} 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;

/** The shell's answer to a tabulator, one way to go on a line. */
const shells: Readonly<Record<"bash" | "zsh" | "fish", (script: string, line: readonly string[]) => string>> = {
  bash: (script, line) => `source '${script}'; ${inBash("wherry", "_wherry", line)}`,
  zsh: (script, line) => `compdef() { :; }; compset() { :; }; _files() { :; }
    _describe() { print -l -- "\${(@P)2}"; }
    wherry() { ${words} "$@"; }
    source '${script}'; words=(wherry ${line.map((word) => `'${word}'`).join(" ")}); CURRENT=${line.length + 1}; _wherry`,
  fish: (script, line) => `function wherry; ${words} $argv; end
    source '${script}'; complete -C '${["wherry", ...line].join(" ")}'`,
};

describe("completion in shells", () => {
  const folder = temporaryFolder();
  let cluster: Cluster;
  let env: Record<string, string>;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: "fake", nodes: 0 });
    const config = join(folder.path, "config");
    await writeTextFile(config, cluster.kubeconfig);
    env = { HOME: folder.path, KUBECONFIG: config };
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  describe.each(["bash", "zsh", "fish"] as const)("%s", (shell) => {
    const ask = shells[shell];
    const isThere = spawnSync(shell, ["--version"]).error === undefined;
    it.skipIf(shell !== "bash" && missing(shell, isThere)).each([
      [["rollout", "re"], /^restart\b.*\nresume\b.*\n$/],
      [["-n", "kube-s"], /^kube-system\b.*\n$/],
      [["get", "ns", "kube-p"], /^kube-public\b.*\n$/],
      [["rollout", "none"], /^\n?$/],
    ])("completes %j", async (line, wanted) => {
      const script = join(folder.path, `script.${shell}`);
      const { stdout: text } = await run([...wherry, "completion", shell], { env });
      await writeTextFile(script, text);
      const flag = shell === "zsh" ? ["-f"] : [];
      // A file: Deno writes anew what follows -c where its own name stands in it, and makes one word of several.
      const asking = join(folder.path, `ask.${shell}`);
      await writeTextFile(asking, ask(script, line));
      const { stdout } = await run([shell, ...flag, asking], { env });
      expect(stdout).toMatch(wanted);
    });
  });

  it.skipIf(!kubectl)("kubectl's own script completes what wherry says", async () => {
    const script = join(folder.path, "kubectl.bash");
    const { stdout: text } = await run([kubectl?.path ?? "", "completion", "bash"], { env });
    await writeTextFile(script, text);
    const ask = async (...line: string[]) =>
      (await run(["bash", "-c", `source '${script}'; ${inBash("kubectl", "__start_kubectl", line)}`], { env })).stdout;
    expect(await ask("rollout", "res")).toMatch(/^restart\b.*\nresume\b.*\n$/);
    expect(await ask("get", "ns", "kube-p")).toBe("kube-public\n");
    expect(await ask("get", "-n", "kube-s")).toBe("kube-system\n");
  });

  it("ends with what a shell is to do besides", async () => {
    const said = async (...line: string[]) => (await run([...wherry, "__complete", ...line], { env })).stdout;
    expect(await said("get", "ns", "kube-p")).toBe("kube-public\n:4\n");
    expect(await said("-n", "kube-p")).toBe("kube-public\n:4\n");
    expect(await said("apply", "-f", "")).toBe(":0\n");
    expect(await said("get", "--nonsense", "")).toMatch(/:4\n$/);
  });
});
