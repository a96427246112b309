import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { groupsName } from "../../../node_daemon/runtime/cgroup_leftovers.ts";
import { seesMachine } from "../../../node_daemon/runtime/docker_pod_groups.ts";
import { findDocker } from "../../../node_daemon/runtime/find_docker.ts";
import { openRuntime } from "../../../node_daemon/runtime/mod.ts";
import type { ContainerConfig, LogLimits, ProcessScope } from "../../../node_daemon/runtime/runtime.ts";
import { importBusybox, testImage } from "../../suites/docker_image.ts";
import {
  containerConfig,
  logOptions,
  never,
  type RuntimeUnderTest,
  runtimeSuite,
  sandboxConfig,
} from "../../suites/runtime_suite.ts";

const run = promisify(execFile);
const required = (process.env["WHERRY_REQUIRE"] ?? "").split(",").includes("docker");
const answers = await findDocker({ clock: systemClock });

const nodeName = `test-${process.pid}`;
const rootDir = await mkdtemp(join(tmpdir(), "wherry-docker-"));
afterAll(() => rm(rootDir, { recursive: true }));
const options = { rootDir, clock: systemClock, random: systemRandom, log: silentLogger, nodeName };

async function open(more: { readonly logLimits?: LogLimits } = {}): Promise<RuntimeUnderTest> {
  await importBusybox();
  const start = () => openRuntime("docker", { ...options, ...more, podInfraImage: testImage });
  let current = await start();
  return {
    runtime: current,
    async reopen() {
      await current[Symbol.asyncDispose]();
      current = await start();
      return current;
    },
    async [Symbol.asyncDispose]() {
      for (const { id } of await current.listSandboxes({ signal: never })) {
        await current.removePodSandbox(id, { signal: never });
      }
      await current[Symbol.asyncDispose]();
    },
  };
}

if (required || answers) {
  runtimeSuite("docker runtime", {
    open,
    image: testImage,
    podIP: undefined,
    skip: { refusal: "the engine reports it as output and exit code 126 or 127" },
  });
  describe("docker runtime", () => {
    it.each([
      { of: "other nodes", owner: { nodeName: "another", rootDir } },
      { of: "a node of the same name in another cluster", owner: { nodeName, rootDir: "/another" } },
    ])("listSandboxes() leaves out containers of $of, when they share the engine", async ({ owner }) => {
      await using under = await open();
      const other = await openRuntime("docker", { ...options, ...owner, podInfraImage: testImage });
      const foreign = await other.runPodSandbox(sandboxConfig(), { signal: never });
      expect(await under.runtime.listSandboxes({ signal: never })).toEqual([]);
      await other.removePodSandbox(foreign.id, { signal: never });
      await other[Symbol.asyncDispose]();
    });

    it("removes cgroups around pods that daemons left which are gone, also what the engine made, and nobody else's", async ({
      skip,
    }) => {
      if (!(await seesMachine())) skip("a daemon in a container leaves other daemons' cgroups alone");
      const folder = await mkdtemp(join(tmpdir(), "wherry-groups-"));
      const hierarchies = (await readdir("/sys/fs/cgroup").catch((): string[] => [])).filter((name) =>
        /^(cpu|freezer)$/.test(name),
      );
      const groups = (owner: string) =>
        (hierarchies.length > 0 ? hierarchies : [""]).map((name) =>
          join("/sys/fs/cgroup", name, "wherry", groupsName(owner), "pod"),
        );
      const [gone, kept] = [groups(join(folder, "gone")), groups(folder)];
      try {
        for (const path of [...gone, ...kept]) await mkdir(path, { recursive: true });
      } catch {
        skip("needs cgroups that this user may make");
      }
      try {
        const runtime = await openRuntime("docker", {
          ...options,
          rootDir: join(folder, "own"),
          podInfraImage: testImage,
        });
        await expect.poll(() => gone.map((path) => dirname(path)).filter(existsSync)).toEqual([]);
        await runtime[Symbol.asyncDispose]();
        expect(kept.filter(existsSync)).toEqual(kept);
      } finally {
        for (const path of [...gone, ...kept])
          for (const one of [path, dirname(path)]) await rmdir(one).catch(() => {});
        await rm(folder, { recursive: true });
      }
    });

    it("limitPods() keeps all containers together to an amount of memory, also those without limits, or says why not", async ({
      skip,
    }) => {
      const swaps = await readFile("/proc/swaps", "utf8").catch(() => "");
      if (swaps.trim().split("\n").length > 1) skip("a machine that swaps lets a program go on");
      await using under = await open();
      const { runtime } = under;
      const limits = {
        milliCpuRequest: 1000,
        milliCpuLimit: undefined,
        memoryBytesLimit: 64 * 1024 * 1024,
      };
      // Nothing shows where the engine has its cgroups until something runs.
      const limited = runtime.limitPods?.(limits, { signal: never });
      const sandbox = await runtime.runPodSandbox(sandboxConfig(), { signal: never });
      const end = async (name: string, more: Partial<ContainerConfig> = {}) => {
        // What has no end of a line is kept until it has.
        const config = containerConfig("echo held $(head -c 200000000 /dev/zero | tail | wc -c)", {
          name,
          image: testImage,
          ...more,
        });
        const id = await runtime.createContainer(sandbox, config, { signal: never });
        const problem = await limited;
        if (problem !== undefined) {
          expect(problem).toMatch(
            /^the cgroups? of the container engine |^the container engine leaves its cgroups to /,
          );
          return skip(problem);
        }
        await runtime.startContainer(id, { signal: never });
        let said = "";
        for await (const part of runtime.logs(id, logOptions({ follow: true }))) said += Buffer.from(part).toString();
        return /held \d+/.exec(said)?.[0];
      };
      expect(await end("free")).toBe("held 0");
      expect(await end("grouped", { podLimits: { ...limits, memoryBytesLimit: 512 * 1024 * 1024 } })).toBe("held 0");
      await runtime.limitPods?.({ ...limits, memoryBytesLimit: 512 * 1024 * 1024 }, { signal: never });
      expect(await end("roomy")).toBe("held 200000000");
    });

    it.skipIf(process.geteuid?.() !== 0)(
      "passes on what a container mounts in a volume that is shared both ways",
      async ({ skip }) => {
        await using under = await open();
        const host = await mkdtemp(join(tmpdir(), "wherry-shared-"));
        try {
          const mounted = await run("mount", ["-t", "tmpfs", "wherry-test", host]).then(
            () => true,
            () => false,
          );
          if (!mounted) return skip("this user may not mount");
          await run("mount", ["--make-shared", host]);
          const { runtime } = under;
          const sandbox = await runtime.runPodSandbox(sandboxConfig(), { signal: never });
          const script =
            "mkdir /d/inner && mount -t tmpfs inner /d/inner && echo made > /d/inner/file; echo $?; sleep 1000";
          // Not privileged: an engine in a container may lack rights for that.
          const config = containerConfig(script, {
            image: testImage,
            capabilities: { add: ["SYS_ADMIN"], drop: [] },
            seccomp: { type: "Unconfined" },
            appArmor: runtime.appArmor ? "unconfined" : undefined,
            mounts: [{ hostPath: host, containerPath: "/d", readOnly: false, propagation: "shared" }],
          });
          const id = await runtime.createContainer(sandbox, config, { signal: never });
          await runtime.startContainer(id, { signal: never });
          for await (const _line of runtime.logs(id, logOptions({ follow: true }))) break;
          expect(await readFile(join(host, "inner/file"), "utf8")).toBe("made\n");
        } finally {
          await run("umount", ["--lazy", "--recursive", host]).catch(() => {});
          await rm(host, { recursive: true });
        }
      },
    );

    it("runPodSandbox() has containers made in it while it starts, which run in it once they are started", async () => {
      await using under = await open();
      const { runtime } = under;
      const made: string[] = [];
      const config = containerConfig("sleep 1000", { image: testImage });
      const sandbox = await runtime.runPodSandbox(sandboxConfig(), {
        signal: never,
        whileStarting: async (starting) => {
          expect(starting).toMatchObject({ ready: false, ip: undefined });
          made.push(await runtime.createContainer(starting, config, { signal: never }));
        },
      });
      expect(await runtime.listContainers({ signal: never })).toMatchObject([{ id: made[0], state: "created" }]);
      await runtime.startContainer(made[0] ?? "", { signal: never });
      expect(await runtime.listContainers({ signal: never })).toMatchObject([
        { id: made[0], state: "running", sandboxId: sandbox.id },
      ]);
    });

    it("containers of a sandbox are run by what it asks for, as far as the engine knows that", async () => {
      await using under = await open();
      const { runtime } = under;
      const unknown = runtime.runPodSandbox(sandboxConfig({ uid: "1", runtimeHandler: "nobodys" }), { signal: never });
      await expect(unknown).rejects.toThrow(/runtime.* nobodys/);
      const handler = { runtimeHandler: "runc" };
      const sandbox = await runtime.runPodSandbox(sandboxConfig({ uid: "2", ...handler }), { signal: never });
      const [found] = await runtime.listSandboxes({ podUid: "2", signal: never });
      expect([sandbox, found]).toMatchObject([handler, handler]);
      const config = containerConfig("sleep 1000", { image: testImage });
      const foreign = { ...sandbox, runtimeHandler: "nobodys" };
      await expect(runtime.createContainer(foreign, config, { signal: never })).rejects.toThrow(/runtime.* nobodys/);
      await runtime.startContainer(await runtime.createContainer(sandbox, config, { signal: never }), {
        signal: never,
      });
      expect(await runtime.listContainers({ signal: never })).toMatchObject([{ state: "running" }]);
    });

    it("listContainers() lists many with few calls at once", async () => {
      await using under = await open();
      const { runtime } = under;
      const sandbox = await runtime.runPodSandbox(sandboxConfig(), { signal: never });
      const names = Array.from({ length: 12 }, (_, n) => `c${n}`);
      for (const name of names) {
        await runtime.createContainer(sandbox, containerConfig("exit", { name, image: testImage }), { signal: never });
      }
      const listing = new AbortController();
      let [now, most] = [0, 0];
      const { addEventListener, removeEventListener } = listing.signal;
      listing.signal.addEventListener = (...listener: Parameters<typeof addEventListener>) => {
        most = Math.max(most, ++now);
        addEventListener.apply(listing.signal, listener);
      };
      listing.signal.removeEventListener = (...listener: Parameters<typeof removeEventListener>) => {
        now--;
        removeEventListener.apply(listing.signal, listener);
      };
      const listed = await runtime.listContainers({ signal: listing.signal });
      expect(listed.map(({ name }) => name).sort()).toEqual([...names].sort());
      // Node warns of more than 10 that wait for one signal.
      expect(most).toBeLessThanOrEqual(8);
    });

    it("containers see the processes that they may see", async () => {
      await using under = await open();
      const { runtime } = under;
      const sandbox = await runtime.runPodSandbox(sandboxConfig(), { signal: never });
      /** The id of a container that stays, and the namespace that its processes are in. */
      const start = async (name: string, processes: ProcessScope) => {
        const script = "readlink /proc/self/ns/pid; exec sleep 1000";
        const config = containerConfig(script, { name, image: testImage, processes });
        const id = await runtime.createContainer(sandbox, config, { signal: never });
        await runtime.startContainer(id, { signal: never });
        for await (const line of runtime.logs(id, logOptions({ follow: true })))
          return { id, scope: String(Buffer.from(line)) };
        throw new Error("The container said nothing");
      };
      const target = await start("target", "own");
      const scopes = {
        target: target.scope,
        own: (await start("own", "own")).scope,
        looking: (await start("looking", { containerId: target.id })).scope,
        one: (await start("one", "pod")).scope,
        two: (await start("two", "pod")).scope,
        node: (await start("node", "node")).scope,
      };
      expect(scopes.looking).toBe(scopes.target);
      expect(scopes.two).toBe(scopes.one);
      expect(new Set(Object.values(scopes)).size).toBe(4);
    });

    it("pull() fails with ErrImagePull, when there is no such image", async () => {
      await using under = await open();
      const pulled = under.runtime.images.pull("127.0.0.1:1/none", { signal: never });
      await expect(pulled).rejects.toMatchObject({ reason: "ErrImagePull" });
      await expect(under.runtime.images.find("No//pe", { signal: never })).rejects.toMatchObject({
        reason: "InvalidImageName",
      });
    });
  });
} else {
  it.skip("docker runtime (no engine answers)", () => {});
}
