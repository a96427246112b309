import { type FSWatcher, watch } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Pod } from "../../../core/kinds/pod.ts";
import { errorMessage } from "../../../core/util/log.ts";
import { isCode } from "../volumes/files.ts";
import type { PodSource, SourceContext } from "./source.ts";
import { collectPods, type SourceName } from "./static_pod.ts";

/** Options of {@linkcode fileSource}. */
export interface FileSourceOptions {
  /** A file, or a folder of files; names that begin with a dot are left out. */
  readonly path: string;
  /** Milliseconds between two looks that nothing gave cause for. */
  readonly checkMs: number;
  /** Default `file`. */
  readonly source?: SourceName;
}

/** A manifest is not larger than this; a folder has no more than these. */
const maxFileBytes = 10 * 1024 * 1024;
const maxFiles = 1000;
/** Programs write a file in several steps: it is read when they have come to rest. */
const settleMs = 100;

/**
 * The pods of a file, or of the files of a folder, which is watched.
 *
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
 */
export function fileSource({ path, checkMs, source = "file" }: FileSourceOptions): PodSource {
  return {
    async follow(context) {
      const { clock, signal } = context;
      const told = new Set<string>();
      for (;;) {
        await look(path, source, context, told);
        signal.throwIfAborted();
        const pause = new AbortController();
        const changed = () => pause.abort();
        signal.addEventListener("abort", changed, { once: true });
        // Watched anew each time: the folder itself may have been replaced.
        const watcher = openWatcher(path, changed);
        try {
          await clock.sleep(checkMs, { signal: pause.signal }).catch(() => {});
        } finally {
          watcher?.close();
          signal.removeEventListener("abort", changed);
        }
        signal.throwIfAborted();
        if (pause.signal.aborted) await clock.sleep(settleMs, { signal });
      }
    },
  };
}

function openWatcher(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, onChange).on("error", onChange);
  } catch {
    // Not there yet: the folder above may be.
    try {
      return watch(dirname(path), (_event, name) => {
        if (name === null || name === basename(path)) onChange();
      }).on("error", onChange);
    } catch {
      return undefined;
    }
  }
}

async function look(path: string, source: SourceName, context: SourceContext, told: Set<string>): Promise<void> {
  const { log, nodeName, onPods, onDuplicate } = context;
  const tell = (message: string, duplicate?: Pod) => {
    if (told.has(message)) return;
    told.add(message);
    log.warn("Cannot read a manifest", { error: message });
    if (duplicate) onDuplicate(duplicate);
  };
  try {
    const texts = await readTexts(path, tell);
    const problems = new Set<string>();
    const onProblem = (message: string, duplicate?: Pod) => {
      problems.add(message);
      tell(message, duplicate);
    };
    onPods(collectPods(texts, { source, nodeName, onProblem }));
    if (problems.size === 0) told.clear();
  } catch (error) {
    tell(errorMessage(error));
  }
}

async function readTexts(
  path: string,
  tell: (message: string) => void,
): Promise<readonly (readonly [string, string])[]> {
  const texts: (readonly [string, string])[] = [];
  for (const file of await filesOf(path)) {
    try {
      const text = await readManifest(file);
      if (text !== undefined) texts.push([file, text]);
    } catch (error) {
      tell(errorMessage(error));
    }
  }
  return texts;
}

async function filesOf(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => !name.startsWith(".")).sort();
    if (names.length > maxFiles) throw new Error(`Cannot read ${path}: it has more than ${maxFiles} files`);
    return names.map((name) => join(path, name));
  } catch (error) {
    if (isCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** The text of a file; undefined for what is none, and for one that is gone. */
async function readManifest(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > maxFileBytes) throw new Error(`Cannot read ${path}: it is longer than ${maxFileBytes} bytes`);
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
