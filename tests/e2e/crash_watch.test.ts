import { randomBytes, randomInt } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Client } from "../../core/client/client.ts";
import { configMap } from "../../core/kinds/configmap.ts";
import { adminOf, eventually, type Running, run, start, temporaryFolder, wherry } from "./harness.ts";

const namespace = "default";
const kills = 4;

/** What a watcher was told, in short. */
type Told = string;

describe("kill -9 of the master again and again, under writes that make it rotate and compact its log", () => {
  it("every watcher that resumes is told everything once, in order; nothing answered is lost; backups are whole", async () => {
    await using folder = temporaryFolder();
    const tokens = join(folder.path, "tokens.csv");
    writeFileSync(tokens, 'secret-token,admin,1,"system:masters"\n', { mode: 0o600 });
    const dataDir = join(folder.path, "data");
    const [second, third] = [randomInt(240, 250), 2 * randomInt(0, 127)];
    const startMaster = (): Running =>
      start(
        [
          ...[...wherry, "master", "--data-dir", dataDir, "--token-auth-file", tokens, "--secure-port", "0"],
          ...["--cluster-cidr", `127.${second}.${third}.0/24`],
          ...["--service-cluster-ip-range", `127.${second}.${third + 1}.0/24`],
        ],
        { env: { HOME: folder.path } },
      );
    const connect = async (running: Running): Promise<Client> => {
      const [, url = ""] = await running.printed(/The API is ready at (\S+)/);
      return await adminOf(url, join(dataDir, "pki", "ca.crt"), "secret-token");
    };

    const watchers = [0, 1, 2].map(() => ({ told: [] as Told[], position: "" }));
    const answered = new Map<string, number>();
    let begin = "";
    for (let life = 0; life <= kills; life++) {
      await using running = startMaster();
      await using client = await connect(running);
      if (life === 0) {
        begin = (await client.list(configMap, { namespace })).metadata.resourceVersion ?? "";
        for (const watcher of watchers) watcher.position = begin;
      }
      const { items } = await client.list(configMap, { namespace });
      const rounds = new Map(items.map((item) => [item.metadata.name ?? "", Number(item.data?.["round"])]));
      for (const [name, round] of answered) expect([round, round + 1], name).toContain(rounds.get(name));

      const watching = watchers.map((watcher) => follow(client, watcher));
      const writing = Array.from({ length: 4 }, (_, writer) => write(client, `writer-${writer}`, answered));
      const file = join(folder.path, `backup-${life}`);
      const before = total(answered);
      await eventually("forty writes were answered", () => (total(answered) >= before + 40 ? true : undefined));
      const backup = run([...wherry, "store", "snapshot", "--data-dir", dataDir, file], { env: { HOME: folder.path } });
      await sleep(randomInt(0, 600));
      await running.stop("SIGKILL");
      await Promise.all([...writing, ...watching]);
      const { code, stderr } = await backup;
      expect([code, stderr]).toEqual([0, ""]);
      // And while it recovers, at any moment.
      for (let tried = 0; tried < 2; tried++) {
        await using recovering = startMaster();
        await sleep(randomInt(50, 500));
        await recovering.stop("SIGKILL");
      }
    }
    expect(readdirSync(join(dataDir, "store")).some((name) => name.endsWith(".snapshot"))).toBe(true);

    await using running = startMaster();
    await using client = await connect(running);
    const last = (await client.list(configMap, { namespace })).items.map((item) =>
      Number(item.metadata.resourceVersion),
    );
    const until = Math.max(...last);
    const history = { told: [] as Told[], position: begin };
    const all = [history, ...watchers];
    const following = all.map((watcher) => follow(client, watcher));
    await eventually("all watchers had told of the last write", () =>
      all.every(({ position }) => Number(position) >= until) ? true : undefined,
    );
    for (const { told } of watchers) expect(told).toEqual(history.told);
    expect(history.told.length).toBeGreaterThan(200);
    const verified = await run([...wherry, "store", "verify", "--data-dir", dataDir], { env: { HOME: folder.path } });
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/: whole\n.*core\/configmaps +\d+/s) });
    expect(await running.stop("SIGTERM")).toMatchObject({ code: 0 });
    await Promise.all(following);
  });
});

function total(answered: ReadonlyMap<string, number>): number {
  return [...answered.values()].reduce((sum, round) => sum + round + 1, 0);
}

/** Watches on from where the watcher is, until the connection is lost. A history that is gone fails the test. */
async function follow(client: Client, watcher: { readonly told: Told[]; position: string }): Promise<void> {
  try {
    for await (const event of client.watch(configMap, { namespace, resourceVersion: watcher.position })) {
      if (event.type === "BOOKMARK") continue;
      const { name, resourceVersion = "" } = event.object.metadata;
      watcher.told.push(`${resourceVersion} ${event.type} ${name} ${event.object.data?.["round"]}`);
      watcher.position = resourceVersion;
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === 410) throw error;
  }
}

/** Writes an object again and again until the connection is lost; notes each answer. */
async function write(client: Client, name: string, answered: Map<string, number>): Promise<void> {
  try {
    const metadata = { name, namespace };
    for (;;) {
      const present = await client.get(configMap, metadata).catch((error: { code?: unknown }) => {
        if (error.code === 404) return undefined;
        throw error;
      });
      const round = Number(present?.data?.["round"] ?? -1) + 1;
      const data = { round: String(round), noise: randomBytes(96_000).toString("base64") };
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: present?.metadata ?? metadata, data } as const;
      await (present ? client.update(configMap, object) : client.create(configMap, object));
      answered.set(name, round);
    }
  } catch {
    // It was killed.
  }
}
