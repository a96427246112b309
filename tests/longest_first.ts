import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What starts with these takes longest, first to last: real engines, daemons and clients, and what computes for minutes. */
export const longest: readonly string[] = [
  "simulation/random_workloads",
  "node_daemon/runtime/docker.",
  "e2e_docker/",
  "e2e/",
  "cluster/",
  "interop/",
  "security/",
  "examples/",
  "node_daemon/runtime/",
];

/**
 * Starts the files that take longest first: one of them at the end would run alone. Among those that stand together it is as
 * the runner has it: by what they took the last time, or by their size on a machine that has not run them.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const index = longest.findIndex((start) => moduleId.includes(`/tests/${start}`));
  return index === -1 ? longest.length : index;
}
