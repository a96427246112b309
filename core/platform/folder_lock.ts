import { mkdir, readdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "./clock.ts";
import { isProcessAlive, type ProcessIdentity, processIdentity } from "./process_identity.ts";
import { randomUuid } from "./uuid.ts";

const prefix = "LOCK.";
/** How often, and how far apart, a rival that is about to give way is looked at again. */
const attempts = 5;
const pauseMs = 50;

/**
 * Makes this process the only one that uses `folder`, until disposed or dead: kill -9 leaves nothing in the way.
 *
 * Everybody who wants the folder first puts down a file of their own that names them, then looks for those of others who
 * live. Two can never both see nobody. Of two newcomers the one with the lesser file name stays.
 *
 * @param purpose what the folder is wanted for, e.g. `open the store`
 * @throws Error saying who holds the folder
 */
export async function lockFolder(folder: string, purpose: string): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const own = `${prefix}${randomUuid()}`;
  const release = () => unlink(join(folder, own)).catch(() => {});
  try {
    await putDown(folder, own);
    for (let attempt = 1; ; attempt++) {
      const rivals = await livingRivals(folder, own);
      const [rival] = rivals;
      if (!rival) return { [Symbol.asyncDispose]: release };
      if (attempt === attempts || rivals.some(({ name }) => name < own)) {
        const who = rival.identity.pid === processIdentity().pid ? "this process" : "another wherry";
        throw new Error(`Cannot ${purpose}: ${folder} is in use by ${who} (process ${rival.identity.pid})`);
      }
      // Rivals are other processes: they live in real time, whatever clock the caller was given.
      await systemClock.sleep(pauseMs);
    }
  } catch (error) {
    await release();
    throw error;
  }
}

/** Makes the file appear complete: one that cannot be read counts as left by the dead. */
async function putDown(folder: string, name: string): Promise<void> {
  const temporary = join(folder, `${name.toLowerCase()}.tmp`);
  await writeFile(temporary, JSON.stringify(processIdentity()), { flag: "wx", mode: 0o600 });
  await rename(temporary, join(folder, name));
}

interface Rival {
  readonly name: string;
  readonly identity: ProcessIdentity;
}

/** Everybody else who has a file in the folder and runs; the files of the dead are removed. */
async function livingRivals(folder: string, own: string): Promise<readonly Rival[]> {
  const living: Rival[] = [];
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || name === own) continue;
    const identity = await readIdentity(join(folder, name));
    if (identity && isProcessAlive(identity)) living.push({ name, identity });
    else await unlink(join(folder, name)).catch(() => {});
  }
  return living;
}

/** Undefined when the file is gone or damaged. */
async function readIdentity(path: string): Promise<ProcessIdentity | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const { pid, startTime, bootId } = value as Partial<Record<keyof ProcessIdentity, unknown>>;
    if (typeof pid !== "number" || typeof startTime !== "string" || typeof bootId !== "string") return undefined;
    return { pid, startTime, bootId };
  } catch {
    return undefined;
  }
}
