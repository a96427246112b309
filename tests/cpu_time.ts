import process from "node:process";

/** Milliseconds of the processor that some work takes: what else the machine does meanwhile does not count. */
export async function cpuMsOf(work: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await work();
  return process.cpuUsage(start).user / 1000;
}
