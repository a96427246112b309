import type { MountedFileSystem } from "../../../core/platform/disks.ts";
import type { CpuTopology, MachineFacts } from "../../../core/platform/machine.ts";
import type { MachineUsage } from "../../../core/platform/machine_usage.ts";

/**
 * The machine in the form of cAdvisor's MachineInfo. What is not looked into (topology, caches) is empty.
 *
 * @see https://github.com/google/cadvisor/blob/master/info/v1/machine.go
 */
export function machineInfo({
  facts,
  topology,
  usage,
  fileSystem,
  at,
}: {
  readonly facts: MachineFacts;
  readonly topology: CpuTopology | undefined;
  readonly usage: MachineUsage;
  readonly fileSystem: MountedFileSystem;
  /** Milliseconds since the epoch. */
  readonly at: number;
}): object {
  return {
    timestamp: new Date(at).toISOString(),
    num_cores: facts.cpus,
    ...(topology ? { num_physical_cores: topology.cores, num_sockets: topology.sockets } : {}),
    memory_capacity: facts.memoryBytes,
    swap_capacity: usage.swapTotalBytes,
    machine_id: facts.machineId,
    system_uuid: facts.systemUuid,
    boot_id: facts.bootId,
    filesystems: [
      { device: fileSystem.device, capacity: fileSystem.totalBytes, inodes: fileSystem.inodes, has_inodes: true },
    ],
    network_devices: usage.interfaces.map(({ name }) => ({ name })),
    topology: null,
    cloud_provider: "Unknown",
    instance_type: "Unknown",
    instance_id: "None",
  };
}
