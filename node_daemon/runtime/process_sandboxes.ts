import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";
import { listFolder, makeFolder, readJson, type StoredSandbox, unlessFull, writeJson } from "./process_files.ts";
import { randomId } from "./random_id.ts";
import { noSuchHandler, type Sandbox, type SandboxConfig } from "./runtime.ts";

/** Options of {@linkcode ProcessSandboxes}. */
export interface ProcessSandboxesOptions {
  readonly rootDir: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onChange: (podUid: string) => void;
}

/** The sandboxes of a node: a folder each, with what is known of it and the folders of its containers. */
export class ProcessSandboxes {
  readonly #options: ProcessSandboxesOptions;
  readonly #sandboxes = new Map<string, StoredSandbox>();

  constructor(options: ProcessSandboxesOptions) {
    this.#options = options;
  }

  /** Takes up those that an earlier daemon left. */
  async open(): Promise<void> {
    await makeFolder(this.dir(""));
    for (const id of await listFolder(this.dir(""))) {
      const sandbox = await readJson<StoredSandbox>(join(this.dir(id), "sandbox.json")).catch(() => undefined);
      if (sandbox?.id === id) this.#sandboxes.set(id, sandbox);
      else {
        // Only a sandbox whose creation was cut short lacks its file, and nothing ran in it yet.
        this.#options.log.warn("removing a sandbox that was never finished", { sandbox: id });
        await rm(this.dir(id), { recursive: true, force: true });
      }
    }
  }

  has(id: string): boolean {
    return this.#sandboxes.has(id);
  }

  get(id: string): StoredSandbox | undefined {
    return this.#sandboxes.get(id);
  }

  list(): readonly StoredSandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** The sandbox of a pod's attempt, made when there is none yet. */
  async run(config: SandboxConfig): Promise<StoredSandbox> {
    const present = this.list().find(
      (sandbox) => sandbox.config.uid === config.uid && sandbox.config.attempt === config.attempt,
    );
    if (present?.ready) return present;
    if (config.runtimeHandler !== undefined) throw noSuchHandler(config.runtimeHandler);
    if (Object.keys(config.sysctls ?? {}).length > 0)
      throw new Error("the process runtime cannot set sysctls: its pods share the kernel parameters of their node");
    const { clock, random } = this.#options;
    const id = present?.id ?? randomId(32, { random, taken: this.#sandboxes });
    const sandbox: StoredSandbox = { id, config, createdAt: present?.createdAt ?? clock.now(), ready: true };
    await makeFolder(this.containerDir(id, ""));
    await this.save(sandbox);
    return sandbox;
  }

  /** Notes that a sandbox runs no more. */
  async end(sandbox: StoredSandbox): Promise<void> {
    if (!sandbox.ready) return;
    const ended = { ...sandbox, ready: false };
    this.#sandboxes.set(sandbox.id, ended);
    await unlessFull(() => this.save(ended));
  }

  async save(sandbox: StoredSandbox): Promise<void> {
    await writeJson(join(this.dir(sandbox.id), "sandbox.json"), sandbox);
    this.#sandboxes.set(sandbox.id, sandbox);
    this.#options.onChange(sandbox.config.uid);
  }

  async remove(id: string): Promise<void> {
    await rm(this.dir(id), { recursive: true, force: true });
    this.#sandboxes.delete(id);
  }

  /** Folder of a sandbox; of all, when `id` is empty. */
  dir(id: string): string {
    return join(this.#options.rootDir, "sandboxes", id);
  }

  /** Folder of a container of a sandbox; of all of its containers, when `name` is empty. */
  containerDir(sandboxId: string, name: string): string {
    return join(this.dir(sandboxId), "containers", name);
  }
}

/** What the kubelet is told of a sandbox. */
export function describeSandbox({ id, config, createdAt, ready }: StoredSandbox): Sandbox {
  const { namespace, name, uid, attempt, podIP } = config;
  return { id, namespace, name, uid, attempt, ready, ip: podIP, createdAt };
}
