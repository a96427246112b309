import type { Pod } from "../../../core/kinds/pod.ts";
import type { Clock } from "../../../core/util/clock.ts";
import type { Logger } from "../../../core/util/log.ts";

/** What a source works with. */
export interface SourceContext {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** All pods of the source, now and whenever they change. */
  onPods(pods: readonly Pod[]): void;
  /** A pod of the source that does not run, because another of it has its name. Told once. */
  onDuplicate(pod: Pod): void;
  readonly signal: AbortSignal;
}

/** Where a node gets pods from besides the API. One file each in this folder. */
export interface PodSource {
  /** Tells of its pods until aborted. What cannot be read for now is told in the log; the last pods stay. */
  follow(context: SourceContext): Promise<void>;
}
