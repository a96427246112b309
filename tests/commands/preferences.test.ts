import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterEach, describe, expect, it } from "vitest";
import { globalFlags } from "../../commands/global_flags.ts";
import { verbs } from "../../commands/mod.ts";
import { type ExpandOptions, expandArguments } from "../../commands/preferences/expand.ts";
import { runCli } from "../../commands/run_cli.ts";
import { temporaryFolder } from "../e2e/harness.ts";
import { recordedTerminal } from "./_terminal.ts";

const option = (name: string, value: string) => ({ name, default: value });

/** The line that `args` stand for with these preferences. */
function expand(args: string, { aliases = [], defaults = [] }: Partial<ExpandOptions>): Promise<readonly string[]> {
  const warn = (line: string) => {
    throw new Error(`Unexpected warning: ${line}`);
  };
  return expandArguments(args.split(" "), { aliases, defaults, verbs, globals: globalFlags, warn });
}

describe("expandArguments()", () => {
  const aliases = [
    {
      name: "mk",
      command: "create cm",
      prependArgs: ["a"],
      appendArgs: ["b"],
      options: [option("dry-run", "client"), option("output", "yaml")],
    },
  ];
  const defaults = [
    { command: "get", options: [option("output", "wide"), option("no-headers", "T")] },
    { command: "config view", options: [option("raw", "true")] },
    { command: "create configmap", options: [option("output", "yaml")] },
  ];
  it.each([
    ["mk x", "create configmap --dry-run=client --output=yaml a x b"],
    ["-n ns mk -oname --dry-run=server", "-n ns create configmap a -oname --dry-run=server b"],
    ["get pods", "get --output=wide --no-headers=true pods"],
    ["-nx get pods -o json --no-headers=false", "-nx get pods -o json --no-headers=false"],
    ["config view", "config --raw=true view"],
    // Its flag is of another verb that is called the same.
    ["kuberc view", "kuberc view"],
    ["create cm x", "create --output=yaml cm x"],
    ["create secret generic x", "create secret generic x"],
    ["delete mk", "delete mk"],
    // Who runs it says what is wrong.
    ["get pods --nonsense", "get pods --nonsense"],
    ["nonsense get", "nonsense get"],
  ])("makes of %j %j", async (line, wanted) => {
    expect((await expand(line, { aliases, defaults })).join(" ")).toBe(wanted);
  });

  it("is harmless with names that objects have of themselves", async () => {
    const command = "constructor";
    expect(await expand("__proto__ x", { aliases })).toEqual(["__proto__", "x"]);
    await expect(expand("a", { aliases: [{ name: "a", command }] })).rejects.toThrow("not found to set alias");
    const options = [option("constructor", "x")];
    await expect(expand("get", { defaults: [{ command: "get", options }] })).rejects.toThrow(
      "invalid flag constructor",
    );
  });
});

describe("wherry kuberc", () => {
  const before = { HOME: process.env["HOME"], KUBERC: process.env["KUBERC"] };
  afterEach(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  /** Runs a command line in a new home. @returns what it printed, and its code */
  async function run(home: string, line: string, input = ""): Promise<string> {
    process.env["HOME"] = home;
    delete process.env["KUBERC"];
    const { terminal, text } = recordedTerminal(input);
    const code = await runCli(line.split(" "), { terminal, signal: new AbortController().signal });
    return `${text()}[${code}]`;
  }

  it("offers to write preferences where there are none, and does when the answer is yes", async () => {
    await using folder = temporaryFolder();
    const path = join(folder.path, ".kube", "kuberc");
    const question = `kuberc file not found at ${path}\nWould you like to generate a default kuberc file with recommended options? (y/N): `;
    expect(await run(folder.path, "kuberc view", "n\n")).toBe(`${question}[0]`);
    expect(await run(folder.path, "kuberc view")).toBe(`${question}[0]`);
    expect(await run(folder.path, "kuberc view", "Y\n")).toBe(`${question}Updated ${path}\n[0]`);
    expect(await readFile(path, "utf8")).toContain("name: server-side");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("mends a file that no other verb can use", async () => {
    await using folder = temporaryFolder();
    const policy = "kuberc set --section credentialplugin --policy";
    await run(folder.path, `${policy} Allowlist --allowlist-entry command=a`);
    const path = join(folder.path, ".kube", "kuberc");
    await writeFile(path, (await readFile(path, "utf8")).replace("Policy: Allowlist", "Policy: DenyAll"));
    expect(await run(folder.path, "version --client")).toMatch(/^error occurred .* misconfigured .*\n\[1\]$/);
    await run(folder.path, `${policy} DenyAll`);
    expect(await run(folder.path, "version --client")).toMatch(/\[0\]$/);
  });

  it("leaves a file of several documents, and one that is none, as they are", async () => {
    await using folder = temporaryFolder();
    const path = join(folder.path, "kuberc");
    const set = `kuberc set --kuberc=${path} --section defaults --command get`;
    for (const text of ["a: [", "a: b\n---\napiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n"]) {
      await writeFile(path, text);
      expect(await run(folder.path, set)).toMatch(/^error: .*\n\[1\]$/);
      expect(await readFile(path, "utf8")).toBe(text);
    }
  });

  it("takes preferences of v1alpha1 over into the newer version", async () => {
    await using folder = temporaryFolder();
    const path = join(folder.path, "kuberc");
    const overrides = [{ command: "get", flags: [option("output", "wide")] }];
    await writeFile(
      path,
      JSON.stringify({ apiVersion: "kubectl.config.k8s.io/v1alpha1", kind: "Preference", overrides }),
    );
    await run(folder.path, `kuberc set --kuberc=${path} --section aliases --name a --command get`);
    expect(await run(folder.path, `kuberc view --kuberc=${path} -o jsonpath={.defaults}`)).toBe(
      '[{"command":"get","options":[{"default":"wide","name":"output"}]}][0]',
    );
  });

  it("completes the words of an alias as those of its command", async () => {
    await using folder = temporaryFolder();
    await run(folder.path, "kuberc set --section aliases --name al --command rollout --appendarg x");
    expect(await run(folder.path, "__complete -- al res")).toMatch(/^restart\t.*\nresume\t.*\n:4\n.*\n?\[0\]$/);
  });
});
