import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configMap } from "../../core/kinds/configmap.ts";
import { adminOf, canMount, eventually, type Running, start, temporaryFolder, wherry } from "./harness.ts";

const namespace = "default";

/** Starts a master whose data folder is a file system of its own, of `size`, after `more` was done to it. */
function startOn(folder: string, size: string, more = "true"): { readonly running: Running; readonly disk: string } {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  writeFileSync(join(folder, "tokens.csv"), 'secret-token,admin,1,"system:masters"\n', { mode: 0o600 });
  const script = `mount -t tmpfs -o size=${size},mode=700 none "$0" && { ${more}; } && exec "$@"`;
  const master = ["master", "--data-dir", join(disk, "data"), "--secure-port", "0", "--log-level", "info"];
  const tokens = ["--token-auth-file", join(folder, "tokens.csv")];
  const running = start(["unshare", "-m", "sh", "-c", script, disk, ...wherry, ...master, ...tokens], {
    env: { HOME: folder },
  });
  return { running, disk };
}

describe.skipIf(!canMount())("a master whose disk fails it", () => {
  it("full: writes are refused, reads and watches go on, and writes go on by themselves when there is room", async () => {
    await using folder = temporaryFolder();
    const { running, disk } = startOn(folder.path, "48m");
    await using _running = running;
    const [, url = ""] = await running.printed(/The API is ready at (\S+)/);
    // What the process sees; nobody else does.
    const seen = join("/proc", String(running.child.pid), "root", disk);
    await using client = await adminOf(url, join(seen, "data", "pki", "ca.crt"), "secret-token");

    const make = (name: string) =>
      client.create(configMap, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace },
        data: { text: "x".repeat(50_000) },
      });
    const { metadata } = await client.list(configMap, { namespace });
    const stop = new AbortController();
    const watched: string[] = [];
    const watching = (async () => {
      const options = { namespace, resourceVersion: metadata.resourceVersion, signal: stop.signal };
      for await (const event of client.watch(configMap, options)) {
        const { name = "" } = event.object.metadata;
        // The cluster writes its own when it gets round to it.
        if (event.type === "ADDED" && name !== "kube-root-ca.crt") watched.push(name);
      }
    })().catch(() => {});

    const answered: string[] = [];
    for (let round = 0; round < 3; round++) {
      const ballast = join(seen, "ballast");
      writeFileSync(ballast, "");
      expect(() => {
        for (;;) appendFileSync(ballast, Buffer.alloc(64 * 1024));
      }).toThrow("ENOSPC");
      let refusals = 0;
      for (let index = 0; refusals < 3; index++) {
        const name = `map-${round}-${index}`;
        await make(name).then(
          () => answered.push(name),
          (error: Error & { code?: number }) => {
            expect([error.code, error.message]).toEqual([
              503,
              expect.stringMatching(
                /^Cannot write to the store: .*no space left on device.*: the disk is full: make room$/i,
              ),
            ]);
            refusals++;
          },
        );
      }
      const { items } = await client.list(configMap, { namespace });
      expect(items.map((item) => item.metadata.name)).toEqual(expect.arrayContaining(answered));
      rmSync(ballast);
      await make(`room-${round}`);
      answered.push(`room-${round}`);
    }
    await eventually("the watch told of all", () => (watched.length >= answered.length ? true : undefined));
    // Nothing that was refused is there, in no reader's eyes.
    expect(watched).toEqual(answered);
    stop.abort();
    await watching;
    expect(running.output()).toMatch(/The disk of the store is full/);
    expect(running.output()).toMatch(/The disk of the store has room again/);
    expect(await running.stop("SIGTERM")).toMatchObject({ code: 0 });
  });

  it("read-only: it does not start, and says which path and what helps", async () => {
    await using folder = temporaryFolder();
    const { running } = startOn(folder.path, "8m", 'mkdir -m 700 "$0/data" && mount -o remount,ro "$0"');
    await using _running = running;
    const { code, stderr } = await running.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/Cannot open the store: \S*\/disk\/data\/store: EROFS: the file system is read-only/);
  });
});
