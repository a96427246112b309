import type { Container as ContainerSpec } from "../../core/kinds/pod.ts";

/** What the probes say of one container. */
export interface ProbeState {
  /** The startup probe has succeeded. */
  readonly started: boolean;
  readonly ready: boolean;
  /** Which probe wants it restarted. */
  readonly failed: "startup" | "liveness" | undefined;
}

/** What is known of a container: its probes' word, or what its spec implies while they have said nothing. */
export function probeState(spec: ContainerSpec, id: string, probes: ReadonlyMap<string, ProbeState>): ProbeState {
  const known = probes.get(id);
  if (known) return known;
  const started = spec.startupProbe === undefined;
  return { started, ready: started && spec.readinessProbe === undefined, failed: undefined };
}
