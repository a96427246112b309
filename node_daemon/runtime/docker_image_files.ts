import { spawn } from "node:child_process";
import { lstat, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";
import { sha256 } from "../../core/platform/hash.ts";
import { ignoreStatus, statusCode } from "./docker_calls.ts";
import type { Owner } from "./docker_config.ts";
import type { DockerEngine } from "./docker_engine.ts";

const never = new AbortController().signal;
const exportMs = 30 * 60 * 1000;
const maxMessageLength = 1000;

/** What {@linkcode withImageFiles} makes. */
export interface ImageFilesOptions {
  readonly owner: Owner;
  readonly imageId: string;
  /** What it is for: one at a time for each image. */
  readonly purpose: string;
  readonly signal: AbortSignal;
}

/** Looks into an image by a container that is made for that alone, and never runs. It goes with the volumes that its image names. */
export async function withImageFiles<T>(
  engine: DockerEngine,
  { owner: { nodeName, rootDir }, imageId, purpose, signal }: ImageFilesOptions,
  work: (container: Docker.Container) => Promise<T>,
): Promise<T> {
  const of = sha256(JSON.stringify([nodeName, rootDir])).slice(0, 16);
  const name = `wherry_${purpose}_${of}_${imageId.replace(/^sha256:/, "")}`;
  const container = await engine
    .call(signal, (abortSignal) =>
      engine.docker.createContainer({ name, Image: imageId, Cmd: ["/"], NetworkDisabled: true, abortSignal }),
    )
    .catch((error: unknown) => {
      // A daemon that was killed meanwhile left it.
      if (statusCode(error) === 409) return engine.docker.getContainer(name);
      throw error;
    });
  try {
    return await work(container);
  } finally {
    // Also when the caller has given up.
    await engine.call(never, () => container.remove({ force: true, v: true }).catch(ignoreStatus(404, 409)));
  }
}

/**
 * Lays the files of an image out in an empty folder, with their owners and rights.
 *
 * @throws Error when they cannot be written
 */
export async function unpackImage(engine: DockerEngine, options: ImageFilesOptions, folder: string): Promise<void> {
  await withImageFiles(engine, options, async (container) => {
    const { Created } = await engine.call(options.signal, () => container.inspect());
    await engine.call(
      options.signal,
      async (abortSignal) => extract((await container.export({ abortSignal })) as Readable, folder, abortSignal),
      exportMs,
    );
    await removeEngineFiles(folder, Math.floor(Date.parse(Created) / 1000) * 1000);
  });
}

/** The archive is of a real file system: nothing in it lies behind a link that is in it, too. */
async function extract(archive: Readable, folder: string, signal: AbortSignal): Promise<void> {
  const child = spawn("tar", ["-x", "-p", "-f", "-", "-C", folder, "--numeric-owner"], {
    stdio: ["pipe", "ignore", "pipe"],
    signal,
  });
  let message = "";
  child.stderr.on("data", (data: Buffer) => {
    if (message.length < maxMessageLength) message += data.toString("utf8");
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`tar ended with ${code}: ${message.slice(0, maxMessageLength).trim()}`)),
    );
  });
  // What tar says tells more than that its input was closed.
  const sent = pipeline(archive, child.stdin, { signal }).catch((error: unknown) =>
    ended.then(() => Promise.reject(error)),
  );
  await Promise.all([sent, ended]);
}

/** What the engine adds to every container, where its image has nothing there. */
const engineFiles = [".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"] as const;
const engineFolders = ["dev/pts", "dev/shm", "dev", "etc", "proc", "sys"] as const;

/** Takes away what came with the container, rather than with its image: it is empty, and no older than the container. */
async function removeEngineFiles(folder: string, madeAt: number): Promise<void> {
  const isNew = async (path: string) => ((await lstat(path).catch(() => undefined))?.mtimeMs ?? 0) >= madeAt;
  for (const name of engineFiles) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    const isEmpty = found?.isSymbolicLink() || found?.size === 0;
    if (isEmpty && (await isNew(path))) await rm(path);
  }
  for (const name of engineFolders) {
    const path = join(folder, name);
    // Fails where anything is in it.
    if (await isNew(path)) await rmdir(path).catch(() => {});
  }
}
