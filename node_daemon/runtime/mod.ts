/**
 * Container runtimes by name.
 *
 * - A runtime is loaded when it is opened: dockerode alone takes longer to load than a cluster to start.
 * - To add one: a file beside this, exporting how it is opened, and a line in `runtimes`.
 */
import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";
import { findDocker } from "./find_docker.ts";
import type { ContainerRuntime, LogLimits, Ulimit } from "./runtime.ts";

/** Names that {@linkcode openRuntime} knows. */
export type RuntimeName = "process" | "docker" | "fake" | "auto";

/** Options of {@linkcode openRuntime}. */
export interface RuntimeOptions {
  /** Folder of the runtime's own state. */
  readonly rootDir: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Node whose containers these are; several daemons may share an engine if this or `rootDir` differs. Default `node`. */
  readonly nodeName?: string;
  /** Image of the container that holds a pod's network. Default `registry.k8s.io/pause:3.10`. */
  readonly podInfraImage?: string;
  /** How much of containers' logs is kept. Default: `defaultLogLimits`. */
  readonly logLimits?: LogLimits | undefined;
  /** Engine's address: `unix:///path` or `tcp://host:port`. Default: `DOCKER_HOST`, then `/var/run/docker.sock`. */
  readonly dockerHost?: string;
  /** Aborts the opening. */
  readonly signal?: AbortSignal | undefined;
  /** Limits of each process of a pod. Default: those that the runtime's programs have. */
  readonly defaultUlimits?: readonly Ulimit[];
}

type Opener = (options: RuntimeOptions) => Promise<ContainerRuntime>;

const runtimes: ReadonlyMap<string, Opener> = new Map<string, Opener>([
  ["process", async (options) => (await import("./process.ts")).openProcessRuntime(options)],
  ["docker", async (options) => (await import("./docker.ts")).openDockerRuntime(options)],
  ["fake", async (options) => (await import("./fake.ts")).fakeRuntime(options)],
]);

/**
 * Opens a container runtime. `auto` is docker where an engine answers, else process.
 *
 * @throws RangeError for an unknown name
 */
export async function openRuntime(name: RuntimeName, options: RuntimeOptions): Promise<ContainerRuntime> {
  const chosen = name === "auto" ? ((await findDocker(options)) ? "docker" : "process") : name;
  const open = runtimes.get(chosen);
  if (!open) {
    throw new RangeError(
      `Cannot open container runtime "${name}": it is none of auto, ${[...runtimes.keys()].join(", ")}`,
    );
  }
  return open(options);
}
