import type { FlagValues } from "../core/flags/flag.ts";
import type { MasterFlags } from "../core/flags/master_flags.ts";
import { stateDirectory } from "../core/platform/process.ts";
import { parseDuration } from "../core/util/duration.ts";
import type { MasterOptions } from "./master.ts";

/** What flags say about a master; the rest is the caller's. */
export type MasterFlagOptions = Omit<MasterOptions, "clock" | "random" | "log" | "signal">;

/** The options of a master that flags ask for. @throws SyntaxError for a value that cannot be read, naming its flag */
export function masterOptions(flags: FlagValues<MasterFlags>): MasterFlagOptions {
  if (flags["etcd-servers"].length > 0)
    throw new SyntaxError("--etcd-servers is not available yet: leave it out, objects are then kept under --data-dir");
  return {
    dataDir: flags["data-dir"] ?? stateDirectory("master"),
    store: flags.store,
    listen: {
      host: flags["bind-address"],
      port: flags["secure-port"],
      advertiseAddress: flags["advertise-address"],
      subjectAltNames: words(flags["tls-san"]),
    },
    tokenAuthFile: flags["token-auth-file"],
    authorizationMode: flags["authorization-mode"],
    serviceClusterIpRange: flags["service-cluster-ip-range"],
    serviceNodePortRange: flags["service-node-port-range"],
    tolerations: {
      notReadySeconds: flags["default-not-ready-toleration-seconds"],
      unreachableSeconds: flags["default-unreachable-toleration-seconds"],
    },
    admission: {
      enable: words(flags["enable-admission-plugins"]),
      disable: words(flags["disable-admission-plugins"]),
      configFile: flags["admission-control-config-file"],
    },
    limits: {
      maxRequestsInFlight: flags["max-requests-inflight"],
      maxMutatingRequestsInFlight: flags["max-mutating-requests-inflight"],
    },
    minRequestTimeoutSeconds: flags["min-request-timeout"],
    controllers: {
      clusterCidr: flags["cluster-cidr"],
      nodeCidrMaskSize: flags["node-cidr-mask-size"],
      nodeMonitorPeriodMs: duration(flags, "node-monitor-period"),
      nodeMonitorGracePeriodMs: duration(flags, "node-monitor-grace-period"),
      nodeStartupGracePeriodMs: duration(flags, "node-startup-grace-period"),
      nodeEvictionRate: flags["node-eviction-rate"],
      secondaryNodeEvictionRate: flags["secondary-node-eviction-rate"],
      largeClusterSizeThreshold: flags["large-cluster-size-threshold"],
      terminatedPodGcThreshold: flags["terminated-pod-gc-threshold"],
      eventTtlMs: duration(flags, "event-ttl"),
    },
  };
}

function words(list: readonly string[]): readonly string[] {
  return list.flatMap((text) => text.split(",")).flatMap((part) => part.trim() || []);
}

type DurationFlag = "node-monitor-period" | "node-monitor-grace-period" | "node-startup-grace-period" | "event-ttl";

function duration(flags: FlagValues<MasterFlags>, name: DurationFlag): number {
  try {
    return parseDuration(flags[name]);
  } catch (cause) {
    throw new SyntaxError(`--${name}: ${(cause as Error).message}`, { cause });
  }
}
