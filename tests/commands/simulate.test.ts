import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCli } from "../../commands/run_cli.ts";
import { systemTerminal } from "../../core/platform/terminal.ts";

const pod = (name: string, cpu: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec: {containers: [{name: app, image: app, resources: {requests: {cpu: "${cpu}"}}}]}
---`;

async function wherry(manifest: string, ...args: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), "wherry-simulate-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "cluster.yaml");
  await writeFile(path, manifest);
  let [output, errors] = ["", ""];
  const terminal = {
    ...systemTerminal,
    async write(data: string | Uint8Array) {
      output += String(data);
    },
    warn(line: string) {
      errors += `${line}\n`;
    },
    async writeError(data: string | Uint8Array) {
      errors += String(data);
    },
  };
  const { signal } = new AbortController();
  const code = await runCli(["simulate", "-f", path, "--time", "10s", ...args], { terminal, signal });
  return { code, output, errors };
}

describe("wherry simulate", () => {
  it("shows nodes, where pods go, and why others wait; and exits with 1 for these", async () => {
    const { code, output } = await wherry(pod("small", "1") + pod("large", "9"), "--nodes", "2");
    expect(code).toBe(1);
    expect(output.replace(/node-[01]/g, "node-N").split("\n")).toEqual([
      "NODE     STATUS   PODS   CPU   MEMORY",
      expect.stringMatching(/^node-N {3}Ready {4}[01] {6}[01]\/4 {3}0\/8Gi$/),
      expect.stringMatching(/^node-N {3}Ready {4}[01] {6}[01]\/4 {3}0\/8Gi$/),
      "",
      "NAMESPACE   POD     STATUS    NODE",
      "default     small   Running   node-N",
      "",
      "NAMESPACE   PENDING   WHY",
      expect.stringMatching(
        /^default {5}large {5}0\/2 nodes are available: 2 Insufficient cpu\. => with no more than 4 of cpu it would fit on node-N$/,
      ),
      "",
    ]);
  });

  it("exits with 0 where all have a node, and prints the same as JSON", async () => {
    const { code, output } = await wherry(pod("small", "1"), "-o", "json");
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      nodes: [{ name: "node-0", pods: 1, cpu: { requested: "1", allocatable: "4" } }],
      pods: [{ namespace: "default", name: "small", node: "node-0", phase: "Running" }],
      warnings: [],
    });
  });

  it.each<[string, readonly string[], RegExp]>([
    ["a wrong number of nodes", ["--nodes", "-1"], /--nodes must be a whole number/],
    ["a wrong time", ["--time", "soon"], /invalid duration "soon"/],
    ["an unknown format", ["-o", "xml"], /unable to match a printer suitable for the output format "xml"/],
  ])("refuses %s", async (_, args, message) => {
    const { code, errors } = await wherry(pod("small", "1"), ...args);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});
