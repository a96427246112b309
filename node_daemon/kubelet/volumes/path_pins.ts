import { execFile } from "node:child_process";
import { mkdir, rmdir, stat, unlink } from "node:fs/promises";
import { promisify } from "node:util";
import { currentUid, platformName } from "../../../core/platform/processes.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import { createFile, ensureFolder } from "./files.ts";
import type { OpenedPath } from "./sub_path.ts";

const run = promisify(execFile);
const timeoutMs = 10_000;

/** Another name for something, which stays what it was. Closing takes the name away; what was mounted from it stays. */
export interface PinnedPath extends AsyncDisposable {
  readonly path: string;
}

/**
 * Names for what was opened that no container can exchange, for engines that take nothing but names: mounts, in a folder
 * that is the daemon's own.
 *
 * The folder is a file system of its own. An engine that does not see this daemon's mounts therefore finds nothing there,
 * rather than an empty folder; and nothing that is removed by its name ever lies below a mount.
 *
 * @see k8s.io/kubernetes/pkg/volume/util/subpath, doBindSubPath
 */
export class PathPins {
  readonly #folder: string;
  readonly #log: Logger;
  #opened: Promise<boolean> | undefined;
  #count = 0;

  /** @param options.folder absolute path; made when it is first needed */
  constructor({ folder, log }: { readonly folder: string; readonly log: Logger }) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Takes away what an earlier daemon left. */
  async clear(): Promise<void> {
    const found = await stat(this.#folder).catch(() => undefined);
    if (!found) return;
    // Where nothing is mounted this fails, as it should.
    await run("umount", ["--lazy", "--recursive", this.#folder], { timeout: timeoutMs }).catch(() => {});
    await rmdir(this.#folder).catch(() => {});
  }

  /** Another name for what is open; undefined where this daemon may not mount: not root, or not on Linux. */
  async pin({ descriptor }: OpenedPath): Promise<PinnedPath | undefined> {
    if (descriptor === undefined) return undefined;
    this.#opened ??= this.#open();
    if (!(await this.#opened)) return undefined;
    const path = `${this.#folder}/${this.#count++}`;
    const isFolder = (await stat(descriptor)).isDirectory();
    if (isFolder) await mkdir(path, { mode: 0o700 });
    else await createFile(path, 0o600);
    const remove = () => (isFolder ? rmdir(path) : unlink(path));
    try {
      // Without --no-canonicalize it would look for the name that the descriptor had, and mount what has it by now.
      await run("mount", ["--no-canonicalize", "--bind", descriptor, path], { timeout: timeoutMs });
    } catch (error) {
      await remove();
      throw error;
    }
    return {
      path,
      [Symbol.asyncDispose]: () =>
        run("umount", ["--no-canonicalize", "--lazy", path], { timeout: timeoutMs })
          .then(remove)
          .catch((error: unknown) => this.#log.warn("Cannot unmount", { path, error: errorMessage(error) })),
    };
  }

  async #open(): Promise<boolean> {
    if (platformName !== "linux" || currentUid() !== 0) return false;
    await ensureFolder(this.#folder, 0o711);
    try {
      await run("mount", ["-t", "tmpfs", "-o", "mode=0711,size=1m", "wherry", this.#folder], { timeout: timeoutMs });
      return true;
    } catch (error) {
      this.#log.warn("Cannot mount: a subPath is only as safe as its names", { error: errorMessage(error) });
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#opened && (await this.#opened)) await this.clear();
  }
}
