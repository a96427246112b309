import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../../core/platform/clock.ts";
import { systemRandom } from "../../../../core/platform/random.ts";
import { silentLogger } from "../../../../core/util/log.ts";
import { openProcessRuntime } from "../../../../node_daemon/runtime/process.ts";
import type { ContainerConfig, ContainerRuntime } from "../../../../node_daemon/runtime/runtime.ts";
import { containerConfig, logText, never, sandboxConfig, waitForContainer } from "../../../suites/runtime_suite.ts";
import { openRegistry, type TestRegistry } from "./_registry.ts";

/** A process runtime beside a registry, both in folders that go with them. */
export interface Programs extends AsyncDisposable {
  readonly folder: string;
  readonly runtime: ContainerRuntime;
  readonly registry: TestRegistry;
  /** Ends the runtime and opens it anew over what it left. */
  reopen(): Promise<ContainerRuntime>;
  /** Makes and starts a container without a command. */
  start(image: string, changes?: Partial<ContainerConfig>): Promise<{ readonly id: string; readonly podUid: string }>;
  /** The same, to its end: what it wrote. */
  output(image: string, changes?: Partial<ContainerConfig>): Promise<string>;
}

/** Opens {@linkcode Programs}. */
export async function openPrograms(): Promise<Programs> {
  const folder = await mkdtemp(join(tmpdir(), "wherry-programs-"));
  const registry = await openRegistry(folder);
  const options = { rootDir: join(folder, "runtime"), clock: systemClock, random: systemRandom, log: silentLogger };
  let current = await openProcessRuntime(options);
  const programs: Programs = {
    folder,
    registry,
    get runtime() {
      return current;
    },
    async reopen() {
      await current[Symbol.asyncDispose]();
      current = await openProcessRuntime(options);
      return current;
    },
    async start(image, changes = {}) {
      const sandbox = await current.runPodSandbox(sandboxConfig({ podIP: "127.1.2.3" }), { signal: never });
      const config = containerConfig("", { image, command: [], ...changes });
      const id = await current.createContainer(sandbox, config, { signal: never });
      await current.startContainer(id, { signal: never });
      return { id, podUid: sandbox.uid };
    },
    async output(image, changes) {
      const { id, podUid } = await programs.start(image, changes);
      await waitForContainer(current, podUid, id, ({ state }) => state === "exited");
      return await logText(current, id);
    },
    async [Symbol.asyncDispose]() {
      for (const { id } of await current.listSandboxes({ signal: never })) {
        await current.removePodSandbox(id, { signal: never });
      }
      await current[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
  return programs;
}
