import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { constants as systemConstants } from "node:os";
import { delimiter, isAbsolute, join, sep } from "node:path";
import process from "node:process";

/** How a program is run. */
export interface ProgramOptions {
  /** Variables besides this process's own; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Ends the program. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@linkcode captureProgram}. */
export interface CaptureOptions extends ProgramOptions {
  /** What it reads; `inherit` is this process's own input. Default: nothing. */
  readonly input?: Uint8Array | "inherit";
  /** Default: its own errors are shown, not kept. */
  readonly keepErrors?: boolean;
  /** Bytes of output at most. Default 64 MiB. */
  readonly limitBytes?: number;
}

/** What a program did. */
export interface ProgramResult {
  /** Its exit code; 128 and its number when a signal ended it. */
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/**
 * Runs a program to its end and keeps what it wrote.
 *
 * @throws Error with code ENOENT when there is no such program, RangeError when it writes too much
 */
export async function captureProgram(
  command: string,
  args: readonly string[],
  { input, keepErrors = false, limitBytes = 64 * 1024 * 1024, ...options }: CaptureOptions = {},
): Promise<ProgramResult> {
  const stdin = input === "inherit" ? "inherit" : input ? "pipe" : "ignore";
  const child = spawn(command, args, {
    ...common(options),
    stdio: [stdin, "pipe", keepErrors ? "pipe" : "inherit"],
  });
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  let size = 0;
  let tooMuch = false;
  const keep = (chunks: Uint8Array[]) => (chunk: Uint8Array) => {
    size += chunk.length;
    if (size > limitBytes) {
      tooMuch = true;
      child.kill("SIGKILL");
    } else chunks.push(chunk);
  };
  child.stdout?.on("data", keep(stdout));
  child.stderr?.on("data", keep(stderr));
  // A program need not read all of its input.
  child.stdin?.on("error", () => {});
  if (input instanceof Uint8Array) child.stdin?.end(input);
  const code = await ended(child, options.signal);
  if (tooMuch) throw new RangeError(`Cannot run ${command}: it writes more than ${limitBytes} bytes`);
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
}

/** Runs a program in this process's place: its input, output, terminal and signals. @returns its exit code */
export async function runInForeground(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<number> {
  const { signal: _theProgramGetsItItself, ...rest } = options;
  const child = spawn(command, args, { ...common(rest), stdio: "inherit" });
  // Ctrl-C goes to the whole group; a signal for this process alone is passed on.
  const pass = () => void child.kill("SIGTERM");
  process.on("SIGTERM", pass);
  try {
    return await ended(child, undefined);
  } finally {
    process.off("SIGTERM", pass);
  }
}

function common({ env = {}, cwd, signal }: ProgramOptions) {
  return {
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal ? { signal, killSignal: "SIGTERM" as const } : {}),
  };
}

function ended(child: ChildProcess, signal: AbortSignal | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(signal?.aborted ? signal.reason : error));
    child.on("close", (code, name) => {
      if (signal?.aborted) reject(signal.reason);
      else resolve(code ?? 128 + (name ? (systemConstants.signals[name] ?? 0) : 0));
    });
  });
}

/** A file of PATH. */
export interface FoundProgram {
  readonly name: string;
  readonly path: string;
  readonly isExecutable: boolean;
}

/** The folders of PATH, each once. */
export function searchPath(): readonly string[] {
  return [...new Set((process.env["PATH"] ?? "").split(delimiter))].filter((folder) => folder.trim() !== "");
}

/** The program called `name` on PATH, or at that path; undefined when there is none. */
export async function findProgram(name: string): Promise<string | undefined> {
  for await (const path of findPrograms(name)) return path;
  return undefined;
}

/** The same and those that it hides: all programs of that name on PATH, in its order. */
export async function* findPrograms(name: string): AsyncGenerator<string, void, void> {
  if (name === "") return;
  const candidates = isAbsolute(name) || name.includes(sep) ? [name] : searchPath().map((folder) => join(folder, name));
  for (const path of candidates) if (await isExecutable(path)) yield path;
}

/**
 * The files in one folder of PATH whose names begin with one of `prefixes`, sorted.
 *
 * @throws Error when the folder cannot be read
 */
export async function programsIn(folder: string, prefixes: readonly string[]): Promise<readonly FoundProgram[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory() && prefixes.some((prefix) => entry.name.startsWith(prefix)))
    .map(({ name }) => name)
    .sort();
  return await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return { name, path, isExecutable: await isExecutable(path) };
    }),
  );
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
