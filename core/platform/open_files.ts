import { readdir, readFile, readlink } from "node:fs/promises";

/** What processes have open. */
export interface OpenFiles {
  readonly descriptors: number;
  readonly sockets: number;
  /** How many the first of them may have open; -1: as many as it likes. */
  readonly softLimit: number | undefined;
}

/** Counts what processes have open; undefined where none of them may be looked at, or the system does not tell. */
export async function openFiles(pids: readonly number[]): Promise<OpenFiles | undefined> {
  let descriptors = 0;
  let sockets = 0;
  let seen = 0;
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    const names = await readdir(folder).catch(() => undefined);
    if (!names) continue;
    seen++;
    descriptors += names.length;
    const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
    sockets += targets.filter((target) => target.startsWith("socket:")).length;
  }
  const [first] = pids;
  return seen === 0 ? undefined : { descriptors, sockets, softLimit: await softLimitOf(first) };
}

async function softLimitOf(pid: number | undefined): Promise<number | undefined> {
  const limits = await readFile(`/proc/${pid}/limits`, "utf8").catch(() => "");
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : soft === "unlimited" ? -1 : Number(soft);
}
