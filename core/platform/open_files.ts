import { readdir, readFile, readlink } from "node:fs/promises";

/** What processes have open. */
export interface OpenFiles {
  readonly descriptors: number;
  /** Undefined where there are too many descriptors to look at each. */
  readonly sockets: number | undefined;
  /** How many the first of them may have open; -1: as many as it likes. */
  readonly softLimit: number | undefined;
}

/** Looked at one by one: a program may have a million open. */
const maxLinks = 10_000;
const linksAtOnce = 100;

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
    for (let from = 0; from < names.length && descriptors <= maxLinks; from += linksAtOnce)
      sockets += await socketsAmong(names.slice(from, from + linksAtOnce).map((name) => `${folder}/${name}`));
  }
  if (seen === 0) return undefined;
  const [first] = pids;
  return {
    descriptors,
    sockets: descriptors > maxLinks ? undefined : sockets,
    softLimit: await softLimitOf(first),
  };
}

async function socketsAmong(links: readonly string[]): Promise<number> {
  const targets = await Promise.all(links.map((link) => readlink(link).catch(() => "")));
  return targets.filter((target) => target.startsWith("socket:")).length;
}

async function softLimitOf(pid: number | undefined): Promise<number | undefined> {
  const limits = await readFile(`/proc/${pid}/limits`, "utf8").catch(() => "");
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : soft === "unlimited" ? -1 : Number(soft);
}
