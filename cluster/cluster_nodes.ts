import { resolvePath } from "../core/platform/files.ts";
import type { Random } from "../core/platform/random.ts";
import type { Clock } from "../core/util/clock.ts";
import type { Logger } from "../core/util/log.ts";
import { PodFolders } from "../node_daemon/kubelet/pod_folders.ts";
import type { NodeDaemon } from "../node_daemon/node.ts";
import { openRuntime, type RuntimeName } from "../node_daemon/runtime/mod.ts";

/** What {@linkcode ClusterNodes} needs to clear up after a node that was killed. */
export interface ClusterNodesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Whether ended containers are kept, for nodes that go on with the same folders. */
  readonly lasting: boolean;
}

/** The nodes of a cluster in one process. Disposing ends their pods in order, and those that killed nodes left behind. */
export class ClusterNodes implements AsyncDisposable {
  readonly #options: ClusterNodesOptions;
  readonly #running = new Map<string, { readonly node: NodeDaemon; readonly rootDir: string }>();
  readonly #left: { readonly node: NodeDaemon; readonly rootDir: string }[] = [];

  constructor(options: ClusterNodesOptions) {
    this.#options = options;
  }

  /** Takes ownership of a node and of its folder. */
  add(node: NodeDaemon, rootDir: string): void {
    this.#running.set(node.nodeName, { node, rootDir });
  }

  /** Names of the nodes that run. */
  get names(): readonly string[] {
    return [...this.#running.keys()].sort();
  }

  /** Name of the runtime of the first node. */
  get runtime(): string | undefined {
    return [...this.#running.values()][0]?.node.runtime;
  }

  /** Stops a node's daemon as a crash would: its containers go on. @throws RangeError for a name that is none */
  async kill(name: string): Promise<void> {
    const entry = this.#running.get(name);
    if (!entry) throw new RangeError(`Cannot stop node "${name}": there are ${this.names.join(", ") || "none"}`);
    this.#running.delete(name);
    this.#left.push(entry);
    await entry.node[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { signal } = new AbortController();
    const draining = [...this.#running.values()].map(async (entry) => {
      await entry.node.kubelet.drain({ signal, resumable: true });
      await entry.node[Symbol.asyncDispose]();
      if (!this.#options.lasting) await this.#clear(entry, signal);
    });
    await Promise.all([...draining, ...this.#left.map((entry) => this.#clear(entry, signal))]);
  }

  async #clear(
    { node, rootDir }: { readonly node: NodeDaemon; readonly rootDir: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { nodeName } = node;
    await using runtime = await openRuntime(node.runtime as RuntimeName, {
      ...this.#options,
      rootDir: `${rootDir}/runtime`,
      nodeName,
    });
    for (const { id } of await runtime.listSandboxes({ signal })) {
      await runtime.stopPodSandbox(id, { signal });
      await runtime.removePodSandbox(id, { signal });
    }
    await new PodFolders(resolvePath(rootDir)).release();
  }
}
