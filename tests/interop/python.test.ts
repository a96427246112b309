import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { run } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { startInterop } from "./_kubectl.ts";

/** Debian's python3-kubernetes belongs to Debian's Python, which need not be the first on the path. */
const python = ["/usr/bin/python3", "python3"].find(
  (path) => (!path.startsWith("/") || existsSync(path)) && spawnSync(path, ["-c", "import kubernetes"]).status === 0,
);

describe.skipIf(missing("python3-kubernetes", python))("Kubernetes' Python client", () => {
  it("creates, lists, patches, watches, runs, executes and deletes", async () => {
    await using cluster = await startInterop();
    const program = fileURLToPath(new URL("programs/python_client.py", import.meta.url));
    const { stdout, stderr } = await run([python ?? "", program, cluster.env["KUBECONFIG"] ?? ""], {
      env: { HOME: cluster.folder },
    });
    expect(`${stdout}${stderr}`.trim().split("\n")).toEqual([
      "version v1",
      "configmap 2",
      "conflict 409 Conflict",
      "watch ADDED b, DELETED b",
      "log hello",
      "exec err out",
      "dynamic TCP",
      "gone python",
    ]);
  });
});
