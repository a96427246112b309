/** What a node may run short of. @see https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#eviction-signals */
export type Signal =
  | "memory.available"
  | "nodefs.available"
  | "nodefs.inodesFree"
  | "imagefs.available"
  | "imagefs.inodesFree"
  | "pid.available";

/** What a Node says of itself when it runs short. */
export type PressureCondition = "MemoryPressure" | "DiskPressure" | "PIDPressure";

/** What pods are to give back. */
export type StarvedResource = "memory" | "ephemeral-storage" | "inodes" | "pids";

/** How much of something is left, and how much there is of it: bytes, files or processes. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

/** What was observed. What cannot be told, or is not there, is missing. */
export type Observations = ReadonlyMap<Signal, Observation>;

interface SignalFacts {
  readonly condition: PressureCondition;
  readonly resource: StarvedResource;
}

const facts: Readonly<Record<Signal, SignalFacts>> = {
  "memory.available": { condition: "MemoryPressure", resource: "memory" },
  "nodefs.available": { condition: "DiskPressure", resource: "ephemeral-storage" },
  "nodefs.inodesFree": { condition: "DiskPressure", resource: "inodes" },
  "imagefs.available": { condition: "DiskPressure", resource: "ephemeral-storage" },
  "imagefs.inodesFree": { condition: "DiskPressure", resource: "inodes" },
  "pid.available": { condition: "PIDPressure", resource: "pids" },
};

/** Whether a text names a signal. */
export function isSignal(text: string): text is Signal {
  return Object.hasOwn(facts, text);
}

/** Which condition of the Node and which resource a signal is about. */
export function factsOf(signal: Signal): SignalFacts {
  return facts[signal];
}
