import type { JsonObject } from "../core/api/meta.ts";
import { compact } from "../core/util/compact.ts";
import { nothingReserved } from "./kubelet/allocatable.ts";
import { criticalPriority } from "./kubelet/critical_pod.ts";
import { defaultHard, evictionConfig, type Threshold } from "./kubelet/eviction/thresholds.ts";
import { goDuration } from "./kubelet/go_duration.ts";
import { defaultImageGc } from "./kubelet/images/image_garbage_collector.ts";
import { defaultClusterDomain } from "./kubelet/pod_hostname.ts";
import { cacheTimes } from "./kubelet/server/access.ts";
import type { NodeOptions } from "./node.ts";
import { defaultLogLimits } from "./runtime/runtime.ts";

/**
 * What the daemon was told, as far as a kubelet's configuration has words for it: `/configz`.
 *
 * @see https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
 */
export function kubeletConfiguration(
  options: Pick<
    NodeOptions,
    | "serverAddress"
    | "serverPort"
    | "clusterDns"
    | "clusterDomain"
    | "resolvConf"
    | "maxPods"
    | "podCidr"
    | "care"
    | "logLimits"
    | "shutdown"
    | "taints"
  >,
): JsonObject {
  const { care = {}, logLimits = defaultLogLimits, shutdown, clusterDns, taints } = options;
  const { imageGc = defaultImageGc, reserved = nothingReserved } = care;
  const eviction = care.eviction ?? evictionConfig({ hard: defaultHard.node });
  const soft = eviction.thresholds.filter(({ gracePeriodMs }) => gracePeriodMs > 0);
  const hard = eviction.thresholds.filter(({ gracePeriodMs }) => gracePeriodMs === 0);
  const { knownMs, allowedMs, deniedMs } = cacheTimes;
  return compact<JsonObject>({
    enableServer: true,
    address: options.serverAddress ?? "0.0.0.0",
    port: options.serverPort ?? 10250,
    authentication: {
      x509: {},
      webhook: { enabled: true, cacheTTL: goDuration(knownMs) },
      anonymous: { enabled: false },
    },
    authorization: {
      mode: "Webhook",
      webhook: { cacheAuthorizedTTL: goDuration(allowedMs), cacheUnauthorizedTTL: goDuration(deniedMs) },
    },
    enableDebuggingHandlers: true,
    enableSystemLogHandler: true,
    clusterDomain: options.clusterDomain ?? defaultClusterDomain,
    clusterDNS: clusterDns?.length ? [...clusterDns] : undefined,
    resolvConf: options.resolvConf,
    maxPods: options.maxPods ?? 110,
    podCIDR: options.podCidr,
    registerWithTaints: taints?.length ? taints.map((taint) => ({ ...taint })) : undefined,
    imageGCHighThresholdPercent: imageGc.highThresholdPercent,
    imageGCLowThresholdPercent: imageGc.lowThresholdPercent,
    imageMinimumGCAge: goDuration(imageGc.minimumAgeMs),
    imageMaximumGCAge: goDuration(imageGc.maximumAgeMs),
    evictionHard: textsOf(hard),
    evictionSoft: textsOf(soft),
    evictionSoftGracePeriod: Object.fromEntries(soft.map((one) => [one.signal, goDuration(one.gracePeriodMs)])),
    evictionPressureTransitionPeriod: goDuration(eviction.transitionPeriodMs),
    evictionMaxPodGracePeriod: eviction.maxPodGraceSeconds,
    containerLogMaxSize: String(logLimits.fileBytes),
    containerLogMaxFiles: logLimits.files,
    kubeReserved: { ...reserved.kube },
    systemReserved: { ...reserved.system },
    enforceNodeAllocatable: (care.enforcesAllocatable ?? true) ? ["pods"] : ["none"],
    ...shutdownWords(shutdown),
  });
}

/** A node that tells only critical pods from others has words of its own for that. */
function shutdownWords(periods: NodeOptions["shutdown"]): JsonObject {
  const [first = { priority: 0, seconds: 0 }, last = { priority: criticalPriority, seconds: 0 }, ...more] =
    periods ?? [];
  if (more.length === 0 && first.priority === 0 && last.priority === criticalPriority)
    return {
      shutdownGracePeriod: goDuration((first.seconds + last.seconds) * 1000),
      shutdownGracePeriodCriticalPods: goDuration(last.seconds * 1000),
    };
  return {
    shutdownGracePeriodByPodPriority: (periods ?? []).map(({ priority, seconds }) => ({
      priority,
      shutdownGracePeriodSeconds: seconds,
    })),
  };
}

function textsOf(thresholds: readonly Threshold[]): JsonObject {
  return Object.fromEntries(
    thresholds.map(({ signal, value }) => [
      signal,
      "amount" in value ? String(value.amount) : `${Math.round(value.share * 1e8) / 1e6}%`,
    ]),
  );
}
