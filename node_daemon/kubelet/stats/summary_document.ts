/** Microseconds in which work was held up, and hundredths of the last 10, 60 and 300 seconds. */
export interface PsiData {
  readonly total: number;
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
}

/** What all work had to wait for, and some of it. @see https://docs.kernel.org/accounting/psi.html */
export interface PsiStats {
  readonly full: PsiData;
  readonly some: PsiData;
}

/** CPU time: how fast it is used now, and how much was used since the start. */
export interface CpuStats {
  readonly time: string;
  readonly psi?: PsiStats;
  readonly usageNanoCores?: number;
  readonly usageCoreNanoSeconds?: number;
}

/** Memory. */
export interface MemoryStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly usageBytes?: number;
  readonly workingSetBytes?: number;
  readonly rssBytes?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
  readonly psi?: PsiStats;
}

/** Disks. */
export interface IoStats {
  readonly time: string;
  readonly psi: PsiStats;
}

/** Swap space. */
export interface SwapStats {
  readonly time: string;
  readonly swapAvailableBytes?: number;
  readonly swapUsageBytes?: number;
}

/** A file system, and how much of it is used by whom it is told of. */
export interface FsStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  readonly usedBytes?: number;
  readonly inodesFree?: number;
  readonly inodes?: number;
  readonly inodesUsed?: number;
}

interface InterfaceStats {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

/** The main interface, and all of them. */
export interface NetworkStats extends Partial<InterfaceStats> {
  readonly time: string;
  readonly interfaces: readonly InterfaceStats[];
}

/** A container that runs. */
export interface ContainerSummary {
  readonly name: string;
  readonly startTime?: string;
  readonly cpu: CpuStats;
  readonly memory: MemoryStats;
  readonly io?: IoStats;
  readonly rootfs?: FsStats;
  readonly logs?: FsStats;
  readonly swap?: SwapStats;
}

/** A pod of the node. */
export interface PodSummary {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly startTime?: string;
  readonly containers: readonly ContainerSummary[];
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly network?: NetworkStats;
  readonly volume?: readonly (FsStats & { readonly name: string; readonly pvcRef?: object })[];
  readonly "ephemeral-storage"?: FsStats;
  readonly process_stats?: { readonly process_count: number };
  readonly swap?: SwapStats;
}

/** The node itself. */
export interface NodeSummary {
  readonly nodeName: string;
  readonly startTime: string;
  /** The daemon itself, and all pods together. */
  readonly systemContainers: readonly ContainerSummary[];
  readonly cpu: CpuStats;
  readonly memory: MemoryStats;
  readonly io?: IoStats;
  readonly network?: NetworkStats;
  readonly fs?: FsStats;
  readonly runtime?: { readonly imageFs: FsStats; readonly containerFs: FsStats };
  readonly rlimit?: { readonly time: string; readonly maxpid?: number; readonly curproc?: number };
  readonly swap?: SwapStats;
}

/** What a node and its pods use. @see https://kubernetes.io/docs/reference/instrumentation/node-metrics/ */
export interface Summary {
  readonly node: NodeSummary;
  readonly pods: readonly PodSummary[];
}
