import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { clusterFlags, ownAddress, processesOf, run, start, temporaryFolder, wherry } from "./harness.ts";
import { shares } from "./traffic.ts";

function startCommand(folder: string, ...flags: readonly string[]): readonly string[] {
  return [...wherry, "start", ...clusterFlags(folder, ownAddress()), ...flags];
}

/** The pods that answered, in order. */
function answersIn(output: string): readonly string[] {
  return [...output.matchAll(/^ +Hello from (\S+) \(mounted: Hello\)$/gm)].map(([, pod = ""]) => pod);
}

describe("wherry start", () => {
  it("shows three pods that take turns, leaves no process behind, and goes on with the same pods the next time", async () => {
    await using folder = temporaryFolder();
    const env = { HOME: folder.path };
    const first = await run(startCommand(folder.path, "--once"), { env });
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const pods = answersIn(first.stdout);
    expect(shares(pods)).toEqual([4, 4, 4]);
    expect(pods).toEqual([0, 1, 2, 3].flatMap(() => pods.slice(0, 3)));
    expect(first.stdout).toMatch(/deployment "hello" successfully rolled out[\s\S]*12 requests[\s\S]*Done\n$/);
    expect(processesOf(folder.path)).toEqual([]);

    const second = await run(startCommand(folder.path, "--once"), { env });
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(second.stdout).toContain("deployment.apps/hello unchanged");
    expect(new Set(answersIn(second.stdout))).toEqual(new Set(pods));
    expect(processesOf(folder.path)).toEqual([]);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("stays until %s, which stops every pod and ends with 0", async (signal) => {
    await using folder = temporaryFolder();
    await using running = start(startCommand(folder.path), { env: { HOME: folder.path } });
    await running.printed(/Ctrl-C stops the cluster/);
    // The daemon itself, and for each pod the program and the shell that waits for it.
    expect(processesOf(join(folder.path, "data")).length).toBeGreaterThanOrEqual(4);
    expect(await running.stop(signal)).toMatchObject({ code: 0, stderr: "" });
    expect(running.output()).toMatch(/Stopping the pods and the cluster\n$/);
    expect(processesOf(folder.path)).toEqual([]);
  });

  it("stops every pod also when whoever started it passes the signal on that reached it already", async () => {
    await using folder = temporaryFolder();
    await using running = start(startCommand(folder.path), { env: { HOME: folder.path } });
    await running.printed(/Ctrl-C stops the cluster/);
    // Of two that are the same one may get lost on the way.
    const ended = [running.stop("SIGINT"), running.stop("SIGTERM")];
    expect((await Promise.all(ended))[0]).toMatchObject({ code: 0, stderr: "" });
    expect(processesOf(folder.path)).toEqual([]);
  });
});
