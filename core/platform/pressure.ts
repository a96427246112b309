import { readFile } from "node:fs/promises";

/** For how long work was held up: in all, and in hundredths of the last 10, 60 and 300 seconds. */
export interface Stall {
  readonly totalMicroseconds: number;
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
}

/** When something had to wait for a resource, and when everything had. */
export interface Pressure {
  readonly some: Stall;
  readonly full: Stall;
}

/** What was waited for. A resource that the kernel does not watch is undefined. */
export interface Pressures {
  readonly cpu: Pressure | undefined;
  readonly memory: Pressure | undefined;
  readonly io: Pressure | undefined;
}

const none: Stall = { totalMicroseconds: 0, avg10: 0, avg60: 0, avg300: 0 };

/**
 * Reads what the kernel tells of stalls; undefined where it tells nothing (before Linux 4.20, or switched off).
 *
 * @param pathOf the file of a resource
 * @see https://docs.kernel.org/accounting/psi.html
 */
export async function readPressures(pathOf: (resource: keyof Pressures) => string): Promise<Pressures | undefined> {
  const read = async (resource: keyof Pressures) =>
    parsePressure(await readFile(pathOf(resource), "utf8").catch(() => ""));
  const [cpu, memory, io] = await Promise.all([read("cpu"), read("memory"), read("io")]);
  return cpu || memory || io ? { cpu, memory, io } : undefined;
}

/** @internal One file. Older kernels have no line `full` for CPU: nothing that they count. */
export function parsePressure(text: string): Pressure | undefined {
  const stalls = new Map(
    [...text.matchAll(/^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)$/gm)].map(
      ([, kind = "", avg10, avg60, avg300, total]): [string, Stall] => [
        kind,
        {
          totalMicroseconds: Number(total),
          avg10: Number(avg10),
          avg60: Number(avg60),
          avg300: Number(avg300),
        },
      ],
    ),
  );
  const some = stalls.get("some");
  return some && { some, full: stalls.get("full") ?? none };
}
