import type { ContainerConfig } from "./runtime.ts";

/** Whom the daemon runs as. */
export interface ProcessOwner {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly groups: readonly number[];
}

/**
 * Why a container cannot be run as a process as its spec asks; undefined when it can. What would make it less safe than its
 * spec says, or what it could not do without, is refused rather than left out. Pure.
 */
export function refusalOf(config: ContainerConfig, owner: ProcessOwner): string | undefined {
  const { user, privileged, readOnlyRootFilesystem, capabilities, seccomp } = config;
  if (seccomp?.type === "Localhost") return "the process runtime cannot apply seccomp profiles of the node";
  if (readOnlyRootFilesystem) {
    return "readOnlyRootFilesystem: the process runtime's containers see the machine's own files, which it cannot make read-only";
  }
  if (owner.uid === 0) return undefined;
  if (privileged) return "privileged: the node daemon does not run as root";
  if (capabilities.add.length > 0) return `capabilities.add: the node daemon does not run as root`;
  if (user.uid !== undefined && user.uid !== owner.uid) {
    return `runAsUser: the node daemon does not run as root, but as ${owner.uid}, and cannot become ${user.uid}`;
  }
  if (user.gid !== undefined && user.gid !== owner.gid) {
    return `runAsGroup: the node daemon does not run as root, and cannot become group ${user.gid}`;
  }
  const foreign = user.supplementalGids.find((gid) => gid !== owner.gid && !owner.groups.includes(gid));
  if (foreign === undefined) return undefined;
  return `supplementalGroups, fsGroup: the node daemon does not run as root, and cannot join group ${foreign}`;
}

/** What a container asks for and does without on this machine, in words for an event. Pure. */
export function shortcomingsOf(config: ContainerConfig, { limits }: { readonly limits: boolean }): readonly string[] {
  const { milliCpuLimit, memoryBytesLimit } = config.limits;
  const wanted = [
    ...(milliCpuLimit === undefined ? [] : ["cpu"]),
    ...(memoryBytesLimit === undefined ? [] : ["memory"]),
  ];
  if (limits || wanted.length === 0) return [];
  return [`limits of ${wanted.join(" and ")} do not hold: the node daemon may not make cgroups on this machine`];
}
