import { constants } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProcessIdentity } from "./process_table.ts";
import type { ContainerConfig, ContainerLimits, SandboxConfig } from "./runtime.ts";

/** `sandbox.json`: what was asked for, and what became of it. */
export interface StoredSandbox {
  readonly id: string;
  readonly config: SandboxConfig;
  readonly createdAt: number;
  readonly ready: boolean;
  /** What its containers are limited to together. */
  readonly podLimits?: ContainerLimits;
}

/** `config.json` of a container. Holds its environment, so the file is 0600. */
export interface StoredContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly createdAt: number;
  /** Id of what its image was when it was made; absent in folders of older versions. */
  readonly imageId?: string;
  readonly config: ContainerConfig;
}

/** What the supervisor noted when the program began. */
export interface StartRecord {
  readonly program: ProcessIdentity;
  readonly supervisor: ProcessIdentity;
  readonly bootId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** How a container ended. */
export interface ExitRecord {
  readonly code: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly reason?: string;
  readonly message?: string;
}

/** Makes a folder (and those above it) that only this user may list; others may pass through to what they own inside. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o711 });
}

/** Writes a file of mode 0600, whole or not at all. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  await writeFile(temporary, JSON.stringify(value), { mode: 0o600, flag: "wx" });
  await rename(temporary, path);
}

/** Runs what writes, unless the disk is full: what has ended has ended, written down or not, and its end is what makes room. */
export async function unlessFull(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
  }
}

/** Reads what {@linkcode writeJson} wrote; undefined when there is none. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

/** Names in a folder; none when it is missing. */
export async function listFolder(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => []);
}

/** Reads `started` of a container's folder; undefined until the program began. */
export async function readStart(dir: string): Promise<StartRecord | undefined> {
  const file = join(dir, "started");
  const lines = (await readText(file))?.split("\n");
  if (!lines || lines.length < 4) return undefined;
  const [program = "", supervisor = "", bootId = ""] = lines;
  return {
    program: parseIdentity(program),
    supervisor: parseIdentity(supervisor),
    bootId,
    at: (await stat(file)).mtimeMs,
  };
}

/** Reads how a container ended: `exited` by its supervisor, or `ended.json` by a daemon that had to say it itself. */
export async function readExit(dir: string): Promise<ExitRecord | undefined> {
  const ended = await readJson<ExitRecord>(join(dir, "ended.json"));
  if (ended) return ended;
  const file = join(dir, "exited");
  const text = await readText(file);
  if (!text?.endsWith("\n")) return undefined;
  return { code: Number(text), at: (await stat(file)).mtimeMs };
}

/** Text of a small file that a container's own processes might have replaced: links are not followed. */
export async function readText(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (!file) return undefined;
  try {
    return await readFile(file, "utf8");
  } finally {
    await file.close();
  }
}

function parseIdentity(line: string): ProcessIdentity {
  const space = line.indexOf(" ");
  return { pid: Number(line.slice(0, space)), startedAt: line.slice(space + 1).trim() };
}
