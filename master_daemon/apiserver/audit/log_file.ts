import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { stdout } from "node:process";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Clock } from "../../../core/util/clock.ts";

/** Options of {@linkcode openLogFile}. */
export interface LogFileOptions {
  readonly path: string;
  /** Size after which the file is set aside and a new one begun. */
  readonly maxBytes: number;
  /** Age after which files that were set aside are removed; 0: never. */
  readonly maxAgeMs: number;
  /** How many files that were set aside are kept; 0: all. */
  readonly maxBackups: number;
  /** Whether files that were set aside are compressed. */
  readonly compress: boolean;
  readonly clock: Clock;
}

/** Somewhere that lines go, in order. */
export interface LogSink extends AsyncDisposable {
  write(lines: string): Promise<void>;
}

/** The standard output, as `--audit-log-path=-` asks for. */
export const standardOutput: LogSink = {
  write: (lines) =>
    new Promise((resolve, reject) => stdout.write(lines, (error) => (error ? reject(error) : resolve()))),
  async [Symbol.asyncDispose]() {},
};

/**
 * A file that only its owner may read and that is set aside when it has grown, as `NAME-TIME.EXTENSION` beside it.
 *
 * @throws Error when the file cannot be opened
 */
export async function openLogFile(options: LogFileOptions): Promise<LogSink> {
  const file = new LogFile(options);
  await file.open();
  return file;
}

class LogFile implements LogSink {
  readonly #options: LogFileOptions;
  #handle: FileHandle | undefined;
  #size = 0;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    this.#handle = await open(path, "a", 0o600);
    this.#size = (await this.#handle.stat()).size;
  }

  async write(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    if (this.#size > 0 && this.#size + bytes.length > this.#options.maxBytes) await this.#rotate();
    if (!this.#handle) await this.open();
    await this.#handle?.appendFile(bytes);
    this.#size += bytes.length;
  }

  async #rotate(): Promise<void> {
    const { path, clock, compress } = this.#options;
    await this.#handle?.close();
    this.#handle = undefined;
    const time = new Date(clock.now()).toISOString().slice(0, 23).replaceAll(":", "-");
    const { folder, stem, extension } = parts(path);
    const aside = join(folder, `${stem}-${time}${extension}`);
    await rename(path, aside);
    if (compress) {
      await pipeline(createReadStream(aside), createGzip(), createWriteStream(`${aside}.gz`, { mode: 0o600 }));
      await rm(aside);
    }
    await this.#tidy();
  }

  async #tidy(): Promise<void> {
    const { path, maxAgeMs, maxBackups, clock } = this.#options;
    const { folder, stem } = parts(path);
    const backups = (await readdir(folder))
      .flatMap((name) => {
        const time = name.startsWith(`${stem}-`) ? timeOf(name.slice(stem.length + 1)) : undefined;
        return time === undefined ? [] : [{ name, time }];
      })
      .sort((a, b) => b.time - a.time);
    const isOld = ({ time }: { readonly time: number }) => maxAgeMs > 0 && time < clock.now() - maxAgeMs;
    const surplus = backups.filter((backup, index) => (maxBackups > 0 && index >= maxBackups) || isOld(backup));
    for (const { name } of surplus) await rm(join(folder, name), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

function parts(path: string): { readonly folder: string; readonly stem: string; readonly extension: string } {
  const extension = extname(path);
  return { folder: dirname(path), stem: basename(path, extension), extension };
}

/** The time in the name of a file that was set aside; undefined for other files. */
function timeOf(text: string): number | undefined {
  const [, date, hour, minute, rest] = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})(?=\.|$)/.exec(text) ?? [];
  return date === undefined ? undefined : Date.parse(`${date}${hour}:${minute}:${rest}Z`);
}
