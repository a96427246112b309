import { bytesValue } from "../core/api/quantity.ts";
import type { FlagValues } from "../core/flags/flag.ts";
import type { NodeFlags } from "../core/flags/node_flags.ts";
import { parseDuration } from "../core/util/duration.ts";
import { parsePairs } from "./flags.ts";
import { parseReserved } from "./kubelet/allocatable.ts";
import { defaultHard, parseThresholds } from "./kubelet/eviction/thresholds.ts";
import type { ImageGcPolicy } from "./kubelet/images/image_garbage_collector.ts";
import { criticalPodsLast, type ShutdownPeriods } from "./kubelet/plan_shutdown.ts";
import type { NodeCarePolicy } from "./node_care.ts";
import type { LogLimits } from "./runtime/runtime.ts";

/** What the flags say of how a node keeps itself from running out of memory, disk and processes. @throws SyntaxError for flags that cannot be read */
export function carePolicy(flags: FlagValues<NodeFlags>): NodeCarePolicy {
  const hard = parsePairs(flags["eviction-hard"], "<");
  const high = percent(flags, "image-gc-high-threshold");
  const low = percent(flags, "image-gc-low-threshold");
  if (low > high)
    throw new SyntaxError(
      `Cannot use --image-gc-low-threshold ${low}: it can not be higher than --image-gc-high-threshold ${high}`,
    );
  return {
    eviction: {
      thresholds: parseThresholds({
        hard: Object.keys(hard).length > 0 ? hard : defaultHard.node,
        soft: parsePairs(flags["eviction-soft"], "<"),
        softGracePeriod: parsePairs(flags["eviction-soft-grace-period"], "="),
        minimumReclaim: parsePairs(flags["eviction-minimum-reclaim"], "="),
      }),
      transitionPeriodMs: parseDuration(flags["eviction-pressure-transition-period"]),
      maxPodGraceSeconds: Math.max(0, flags["eviction-max-pod-grace-period"]),
    },
    imageGc: {
      highThresholdPercent: high,
      lowThresholdPercent: low,
      ...imageAges(flags),
    },
    reserved: {
      kube: parseReserved(parsePairs(flags["kube-reserved"], "=")),
      system: parseReserved(parsePairs(flags["system-reserved"], "=")),
    },
    enforcesAllocatable: enforcesAllocatable(flags["enforce-node-allocatable"]),
  };
}

/** Whether pods are kept to what the node has for them. What is reserved for others nobody here could be kept to. */
function enforcesAllocatable(words: readonly string[]): boolean {
  const wanted = words.flatMap((text) => text.split(",")).filter((word) => word !== "");
  const odd = wanted.find((word) => word !== "pods" && word !== "none");
  if (odd !== undefined)
    throw new SyntaxError(`Cannot use --enforce-node-allocatable ${odd.slice(0, 64)}: use pods or none`);
  if (wanted.includes("none") && wanted.length > 1)
    throw new SyntaxError("Cannot use --enforce-node-allocatable none: it cannot be given together with others");
  return !wanted.includes("none");
}

function imageAges(flags: FlagValues<NodeFlags>): Pick<ImageGcPolicy, "minimumAgeMs" | "maximumAgeMs"> {
  const [least, most] = ["minimum-image-ttl-duration", "image-maximum-gc-age"] as const;
  const [minimumAgeMs, maximumAgeMs] = [parseDuration(flags[least]), parseDuration(flags[most])];
  if (maximumAgeMs !== 0 && maximumAgeMs <= minimumAgeMs)
    throw new SyntaxError(`Cannot use --${most} ${flags[most]}: it must be greater than --${least} ${flags[least]}`);
  return { minimumAgeMs, maximumAgeMs };
}

/** How a node shuts down; undefined when it just stops. @throws SyntaxError for flags that cannot be used */
export function shutdownPeriods(flags: FlagValues<NodeFlags>): ShutdownPeriods | undefined {
  const names = ["shutdown-grace-period", "shutdown-grace-period-critical-pods"] as const;
  const [all = 0, critical = 0] = names.map((name) => wholeSeconds(name, flags[name]));
  if (critical > all)
    throw new SyntaxError(`Cannot use --${names[1]} ${critical}s: it must be <= --${names[0]} ${all}s`);
  const byPriority = periodsByPriority(flags["shutdown-grace-period-by-pod-priority"] ?? []);
  if (all > 0 && byPriority)
    throw new SyntaxError(
      `Cannot use --shutdown-grace-period-by-pod-priority: it cannot be given together with --${names[0]}`,
    );
  if (byPriority) return byPriority;
  return all === 0 ? undefined : criticalPodsLast({ gracePeriodSeconds: all, criticalPodsSeconds: critical });
}

function periodsByPriority(pairs: readonly string[]): ShutdownPeriods | undefined {
  const name = "shutdown-grace-period-by-pod-priority";
  const periods = new Map(
    Object.entries(parsePairs(pairs, "=")).map(([text, duration]) => {
      const priority = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
      if (!(Math.abs(priority) < 2 ** 31))
        throw new SyntaxError(`Cannot use --${name} ${text.slice(0, 64)}: a priority must be a 32-bit integer`);
      return [priority, wholeSeconds(name, duration)] as const;
    }),
  );
  const sorted = [...periods].map(([priority, seconds]) => ({ priority, seconds }));
  return sorted.length === 0 ? undefined : sorted.sort((a, b) => a.priority - b.priority);
}

function wholeSeconds(name: string, text: string): number {
  const ms = parseDuration(text);
  if (ms > 0 && ms < 1000) throw new SyntaxError(`Cannot use --${name} ${text}: it must be either zero or at least 1s`);
  return Math.floor(ms / 1000);
}

/** How much of containers' logs is kept. @throws SyntaxError for flags that cannot be used */
export function logLimits(flags: FlagValues<NodeFlags>): LogLimits {
  const [size, files] = [flags["container-log-max-size"], flags["container-log-max-files"]];
  const fileBytes = bytesOf(size);
  if (fileBytes < 1)
    throw new SyntaxError(`Cannot use --container-log-max-size ${size}: it must be a quantity above 0`);
  if (!Number.isInteger(files) || files < 2)
    throw new SyntaxError(`Cannot use --container-log-max-files ${files}: it must be greater than 1`);
  return { fileBytes: Math.floor(fileBytes), files };
}

/** Bytes of a quantity; 0 for what is none. */
function bytesOf(text: string): number {
  try {
    return bytesValue(text);
  } catch {
    return 0;
  }
}

function percent(flags: FlagValues<NodeFlags>, name: "image-gc-high-threshold" | "image-gc-low-threshold"): number {
  const value = flags[name];
  if (Number.isInteger(value) && value >= 0 && value <= 100) return value;
  throw new SyntaxError(`Cannot use --${name} ${value}: it must be between 0 and 100`);
}
