import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, it, onTestFinished } from "vitest";
import { deployment, pod, startCluster } from "../../mod.ts";
import { fakeDeployment } from "../cluster/manifests.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const onDeno = "Deno" in globalThis;

/** Runs an example as its head says: bundled on Node, as it is on Deno. */
async function run(name: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<string> {
  const source = join(root, "examples", name);
  const command = onDeno
    ? ["run", "-A", "--config", join(root, "deno.npm.json"), source, ...args]
    : [await bundle(source), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { env: { ...process.env, ...env } });
  return stdout;
}

async function bundle(source: string): Promise<string> {
  const folder = temporaryFolder();
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const outfile = join(folder, "example.mjs");
  await build({
    absWorkingDir: root,
    entryPoints: [source],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.18",
    packages: "external",
    outfile,
    logLevel: "error",
  });
  return outfile;
}

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "wherry-examples-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe("examples", () => {
  it("operator_test.ts passes", async () => {
    expect((await run("operator_test.ts")).trim().split("\n")).toEqual([
      "ok: makes the deployment of an app, spread over the nodes",
      "ok: follows a change of the app",
      "ok: undoes what somebody changed by hand",
      "ok: goes with its app",
    ]);
  });

  it("roll_deployments.ts restarts what the selector chooses, all pods of it, and nothing else", async () => {
    await using cluster = await startCluster({ nodes: 2, runtime: "fake" });
    const labelled = (name: string, tier: string) => {
      const made = fakeDeployment(name, 2);
      return { ...made, metadata: { ...made.metadata, labels: { tier } } };
    };
    const names = ["one", "two", "three"];
    await cluster.apply([...names.map((name) => labelled(name, "web")), labelled("other", "data")]);
    for (const name of [...names, "other"])
      await cluster.waitFor(deployment, { namespace: "default", name }, { condition: "Available" });
    const podsOf = async () =>
      (await cluster.client.list(pod, { namespace: "default" })).items.filter(
        ({ metadata }) => !metadata.deletionTimestamp,
      );
    const before = await podsOf();

    const kubeconfig = join(temporaryFolder(), "config");
    writeFileSync(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
    const printed = await run("roll_deployments.ts", ["tier=web", "2"], { KUBECONFIG: kubeconfig });
    expect(printed).toContain("3 deployments of default match tier=web");
    for (const name of names) expect(printed).toContain(`${name}: rolled out`);

    const after = new Set((await podsOf()).map(({ metadata }) => metadata.uid));
    const kept = before
      .filter(({ metadata }) => after.has(metadata.uid))
      .map(({ metadata }) => metadata.labels?.["app"]);
    expect(kept).toEqual(["other", "other"]);
  });
});
