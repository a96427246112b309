import type { JsonObject } from "../../core/api/meta.ts";
import { milliValue, parseQuantity } from "../../core/api/quantity.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { timestamp } from "../../core/util/clock.ts";

/** How much CPU each container of a pod uses, as a quantity such as `150m`: an annotation. Default 0. */
export const cpuUsageAnnotation = "simulation.wherry.dev/cpu-usage";
const memoryBytes = 1 << 20;
const nanoCoresPerMilli = 1_000_000;

/** The answer to `/stats/summary` of a node with these pods: what of it autoscalers and `top` want. Pure. */
export function simulatedUsage(pods: readonly Pod[], nowMs: number): JsonObject {
  const time = timestamp({ now: () => nowMs });
  const use = (milliCpu: number) => ({
    cpu: { time, usageNanoCores: milliCpu * nanoCoresPerMilli },
    memory: { time, workingSetBytes: memoryBytes },
  });
  const running = pods.filter(({ status }) => status?.phase === "Running");
  const sum = running.reduce((total, pod) => total + milliCpuOf(pod) * pod.spec.containers.length, 0);
  return {
    node: use(sum),
    pods: running.map((pod) => ({
      podRef: { uid: pod.metadata.uid ?? "" },
      containers: pod.spec.containers.map(({ name }) => ({ name, ...use(milliCpuOf(pod)) })),
    })),
  };
}

/** 0 for what is no quantity: annotations may say anything. */
function milliCpuOf({ metadata: { annotations = {} } }: Pod): number {
  const text = annotations[cpuUsageAnnotation];
  if (text === undefined) return 0;
  try {
    return Math.max(0, milliValue(parseQuantity(text)));
  } catch {
    return 0;
  }
}
