import type { StringMap } from "../../core/api/meta.ts";
import {
  bytesValue,
  canonicalQuantity,
  formatQuantity,
  milliCpu,
  parseQuantity,
  quantityError,
} from "../../core/api/quantity.ts";
import type { ResourceList } from "../../core/kinds/pod.ts";
import { factsOf } from "./eviction/signals.ts";
import { amountOf, type Threshold } from "./eviction/thresholds.ts";

/** What a node keeps for others than pods: its daemons, and the rest of the machine. */
export interface ReservedResources {
  readonly kube: ResourceList;
  readonly system: ResourceList;
}

/** Nothing. */
export const nothingReserved: ReservedResources = { kube: {}, system: {} };

const reservable = ["cpu", "memory", "ephemeral-storage", "pid"];
/** The signals that tell when the last of a resource is kept from pods. */
const keepingSignals = ["memory.available", "nodefs.available"] as const;

/**
 * What a flag reserves, e.g. `{cpu: "200m", memory: "500Mi"}`.
 *
 * @throws SyntaxError in the kubelet's words
 */
export function parseReserved(texts: StringMap): ResourceList {
  for (const [name, text] of Object.entries(texts)) {
    if (!reservable.includes(name)) throw new SyntaxError(`cannot reserve ${JSON.stringify(name)} resource`);
    const problem = quantityError(text);
    if (problem !== undefined)
      throw new SyntaxError(
        `failed to parse quantity ${JSON.stringify(text)} for ${JSON.stringify(name)} resource: ${problem}`,
      );
    if (parseQuantity(text).nano < 0n)
      throw new SyntaxError(`resource quantity for ${JSON.stringify(name)} cannot be negative: ${text}`);
  }
  return texts;
}

/**
 * What pods may have of a node: all but what is reserved and what is left over where pods are ended for want of it. Pure.
 *
 * @throws RangeError where more is reserved than there is
 * @see https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/
 */
export function nodeAllocatable(
  capacity: StringMap,
  { reserved, thresholds }: { readonly reserved: ReservedResources; readonly thresholds: readonly Threshold[] },
): StringMap {
  const kept = keptBytes(capacity, thresholds);
  return Object.fromEntries(
    Object.entries(capacity).map(([name, whole]) => {
      const read = name === "cpu" ? milliCpu : bytesValue;
      const taken = read(reserved.kube[name]) + read(reserved.system[name]) + (kept.get(name) ?? 0);
      if (taken === 0) return [name, whole];
      if (taken > read(whole)) {
        const unit = name === "cpu" ? "m" : "";
        throw new RangeError(
          `invalid Node Allocatable configuration. Resource ${JSON.stringify(name)} has a reservation of ${canonicalQuantity(`${taken}${unit}`)} but capacity of ${whole}. Expected capacity >= reservation.`,
        );
      }
      return [name, amountText(read(whole) - taken, name)];
    }),
  );
}

/** What is kept from pods because some are ended before the last of it is gone. */
function keptBytes(capacity: StringMap, thresholds: readonly Threshold[]): ReadonlyMap<string, number> {
  const hard = thresholds.filter(({ gracePeriodMs }) => gracePeriodMs === 0);
  return new Map(
    keepingSignals.flatMap((signal) => {
      const { resource } = factsOf(signal);
      const found = hard.find((threshold) => threshold.signal === signal);
      const whole = bytesValue(capacity[resource]);
      return found ? [[resource, amountOf(found.value, { capacity: whole, available: whole })] as const] : [];
    }),
  );
}

function amountText(amount: number, name: string): string {
  if (name === "cpu") return canonicalQuantity(`${amount}m`);
  return formatQuantity({ ...parseQuantity(String(amount)), format: "BinarySI" });
}
