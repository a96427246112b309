import type { FlagValues } from "../core/flags/flag.ts";
import type { MasterFlags } from "../core/flags/master_flags.ts";
import { stateDirectory } from "../core/platform/process.ts";
import { parseDuration } from "../core/util/duration.ts";
import type { AuditOptions } from "./apiserver/audit/mod.ts";
import type { AuthenticationFlags } from "./authentication/mod.ts";
import type { AuthorizationFlags } from "./authorization/mod.ts";
import type { MasterOptions } from "./master_options.ts";

/** Milliseconds for one try to ask a webhook that flags describe. */
const webhookTimeoutMs = 30_000;

/** What flags say about a master; the rest is the caller's. */
export type MasterFlagOptions = Omit<MasterOptions, "clock" | "random" | "log" | "signal">;

/** The options of a master that flags ask for. @throws SyntaxError for a value that cannot be read, naming its flag */
export function masterOptions(flags: FlagValues<MasterFlags>): MasterFlagOptions {
  const servers = words(flags["etcd-servers"]);
  if (servers.length > 0 && flags.store !== undefined)
    throw new SyntaxError("--store and --etcd-servers both say where objects are kept: give one of them");
  return {
    dataDir: flags["data-dir"] ?? stateDirectory("master"),
    store: servers.length > 0 ? `etcd:${servers.join(",")}` : flags.store,
    etcd: {
      caFile: flags["etcd-cafile"],
      certFile: flags["etcd-certfile"],
      keyFile: flags["etcd-keyfile"],
      prefix: flags["etcd-prefix"],
    },
    encryptionProviderConfig: flags["encryption-provider-config"],
    leaderElection: flags["leader-elect"] && {
      leaseDurationMs: duration(flags, "leader-elect-lease-duration"),
      renewDeadlineMs: duration(flags, "leader-elect-renew-deadline"),
      retryPeriodMs: duration(flags, "leader-elect-retry-period"),
    },
    listen: {
      host: flags["bind-address"],
      port: flags["secure-port"],
      advertiseAddress: flags["advertise-address"],
      subjectAltNames: words(flags["tls-san"]),
    },
    authentication: authenticationFlags(flags),
    authorization: authorizationFlags(flags),
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
    audit: auditOptions(flags),
    schedulerConfig: flags["scheduler-config"],
    resourceQuota: { syncPeriodMs: duration(flags, "resource-quota-sync-period") },
    priorityAndFairness: flags["enable-priority-and-fairness"],
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
      horizontalPodAutoscalerSyncPeriodMs: duration(flags, "horizontal-pod-autoscaler-sync-period"),
      horizontalPodAutoscalerDownscaleStabilizationMs: duration(
        flags,
        "horizontal-pod-autoscaler-downscale-stabilization",
      ),
      horizontalPodAutoscalerTolerance: flags["horizontal-pod-autoscaler-tolerance"],
      horizontalPodAutoscalerCpuInitializationPeriodMs: duration(
        flags,
        "horizontal-pod-autoscaler-cpu-initialization-period",
      ),
      horizontalPodAutoscalerInitialReadinessDelayMs: duration(
        flags,
        "horizontal-pod-autoscaler-initial-readiness-delay",
      ),
      eventTtlMs: duration(flags, "event-ttl"),
      legacyServiceAccountTokenCleanUpPeriodMs: duration(flags, "legacy-service-account-token-clean-up-period"),
      clusterSigningSeconds: Math.floor(duration(flags, "cluster-signing-duration") / 1000),
    },
  };
}

function authenticationFlags(flags: FlagValues<MasterFlags>): AuthenticationFlags {
  const issuers = words(flags["service-account-issuer"]);
  const maxExpiration = flags["service-account-max-token-expiration"];
  return {
    clientCaFile: flags["client-ca-file"],
    tokenAuthFile: flags["token-auth-file"],
    // What is said is told from what is not: a file may say otherwise.
    anonymousAuth: flags["anonymous-auth"] || undefined,
    authenticationConfig: flags["authentication-config"],
    tokenWebhook: tokenWebhookFlags(flags),
    enableBootstrapTokenAuth: flags["enable-bootstrap-token-auth"],
    serviceAccountIssuers: issuers.length > 0 ? issuers : undefined,
    apiAudiences: words(flags["api-audiences"]),
    serviceAccountSigningKeyFile: flags["service-account-signing-key-file"],
    serviceAccountKeyFiles: words(flags["service-account-key-file"]),
    serviceAccountJwksUri: flags["service-account-jwks-uri"],
    serviceAccountMaxTokenExpirationMs:
      maxExpiration === undefined ? undefined : duration(flags, "service-account-max-token-expiration"),
    serviceAccountExtendTokenExpiration: flags["service-account-extend-token-expiration"],
    oidc: oidcFlags(flags),
    requestHeader: requestHeaderFlags(flags),
  };
}

function tokenWebhookFlags(flags: FlagValues<MasterFlags>): AuthenticationFlags["tokenWebhook"] {
  const configFile = flags["authentication-token-webhook-config-file"];
  if (configFile === undefined) return undefined;
  return {
    configFile,
    version: reviewVersion(flags, "authentication-token-webhook-version"),
    cacheTtlMs: duration(flags, "authentication-token-webhook-cache-ttl"),
  };
}

function authorizationFlags(flags: FlagValues<MasterFlags>): AuthorizationFlags {
  const modes = flags["authorization-mode"];
  const kubeConfigFile = flags["authorization-webhook-config-file"];
  return {
    modes: modes === undefined ? undefined : words([modes]),
    configFile: flags["authorization-config"],
    webhook:
      kubeConfigFile === undefined
        ? undefined
        : {
            kubeConfigFile,
            subjectAccessReviewVersion: reviewVersion(flags, "authorization-webhook-version"),
            authorizedTtlMs: duration(flags, "authorization-webhook-cache-authorized-ttl"),
            unauthorizedTtlMs: duration(flags, "authorization-webhook-cache-unauthorized-ttl"),
            timeoutMs: webhookTimeoutMs,
            failurePolicy: "NoOpinion",
          },
  };
}

function reviewVersion(
  flags: FlagValues<MasterFlags>,
  name: "authentication-token-webhook-version" | "authorization-webhook-version",
): "v1" | "v1beta1" {
  const version = flags[name];
  if (version === "v1" || version === "v1beta1") return version;
  throw new SyntaxError(`--${name}: ${JSON.stringify(version)} is not available: use v1 or v1beta1`);
}

function oidcFlags(flags: FlagValues<MasterFlags>): AuthenticationFlags["oidc"] {
  const issuerUrl = flags["oidc-issuer-url"];
  if (issuerUrl === undefined) return undefined;
  const algorithms = words(flags["oidc-signing-algs"]);
  return {
    issuerUrl,
    clientId: flags["oidc-client-id"] ?? "",
    usernameClaim: flags["oidc-username-claim"],
    usernamePrefix: flags["oidc-username-prefix"],
    groupsClaim: flags["oidc-groups-claim"],
    groupsPrefix: flags["oidc-groups-prefix"],
    requiredClaims: new Map(words(flags["oidc-required-claim"]).map(keyAndValue)),
    signingAlgs: algorithms.length > 0 ? algorithms : undefined,
    caFile: flags["oidc-ca-file"],
  };
}

function keyAndValue(text: string): [key: string, value: string] {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new SyntaxError(`--oidc-required-claim: ${JSON.stringify(text)} must be key=value`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function requestHeaderFlags(flags: FlagValues<MasterFlags>): AuthenticationFlags["requestHeader"] {
  const clientCaFile = flags["requestheader-client-ca-file"];
  if (clientCaFile === undefined) return undefined;
  const or = (list: readonly string[], usual: string) => (list.length > 0 ? words(list) : [usual]);
  return {
    clientCaFile,
    allowedNames: words(flags["requestheader-allowed-names"]),
    usernameHeaders: or(flags["requestheader-username-headers"], "X-Remote-User"),
    uidHeaders: words(flags["requestheader-uid-headers"]),
    groupHeaders: or(flags["requestheader-group-headers"], "X-Remote-Group"),
    extraHeadersPrefixes: or(flags["requestheader-extra-headers-prefix"], "X-Remote-Extra-"),
  };
}

function auditOptions(flags: FlagValues<MasterFlags>): MasterFlagOptions["audit"] {
  const policyFile = flags["audit-policy-file"];
  const logPath = flags["audit-log-path"];
  if (flags["audit-log-format"] !== "json")
    throw new SyntaxError(`--audit-log-format=${flags["audit-log-format"]} is not available: only json is`);
  const webhook = auditWebhookOptions(flags);
  // As with Kubernetes: without a policy nothing is noted, without a path or a server there is nowhere to note it.
  if (policyFile === undefined || (logPath === undefined && webhook === undefined)) return undefined;
  return {
    policyFile,
    logPath,
    maxSize: flags["audit-log-maxsize"],
    maxAge: flags["audit-log-maxage"],
    maxBackup: flags["audit-log-maxbackup"],
    compress: flags["audit-log-compress"],
    webhook,
  };
}

function auditWebhookOptions(flags: FlagValues<MasterFlags>): AuditOptions["webhook"] {
  const configFile = flags["audit-webhook-config-file"];
  if (configFile === undefined) return undefined;
  if (flags["audit-webhook-mode"] !== "batch")
    throw new SyntaxError(`--audit-webhook-mode=${flags["audit-webhook-mode"]} is not available: only batch is`);
  return {
    configFile,
    initialBackoffMs: duration(flags, "audit-webhook-initial-backoff"),
    bufferSize: flags["audit-webhook-batch-buffer-size"],
    maxSize: flags["audit-webhook-batch-max-size"],
    maxWaitMs: duration(flags, "audit-webhook-batch-max-wait"),
    throttleQps: flags["audit-webhook-batch-throttle-enable"] ? flags["audit-webhook-batch-throttle-qps"] : 0,
    throttleBurst: flags["audit-webhook-batch-throttle-burst"],
  };
}

function words(list: readonly string[]): readonly string[] {
  return list.flatMap((text) => text.split(",")).flatMap((part) => part.trim() || []);
}

type DurationFlag =
  | "node-monitor-period"
  | "node-monitor-grace-period"
  | "node-startup-grace-period"
  | "event-ttl"
  | "legacy-service-account-token-clean-up-period"
  | "horizontal-pod-autoscaler-sync-period"
  | "horizontal-pod-autoscaler-downscale-stabilization"
  | "horizontal-pod-autoscaler-cpu-initialization-period"
  | "horizontal-pod-autoscaler-initial-readiness-delay"
  | "resource-quota-sync-period"
  | "leader-elect-lease-duration"
  | "leader-elect-renew-deadline"
  | "leader-elect-retry-period"
  | "service-account-max-token-expiration"
  | "authentication-token-webhook-cache-ttl"
  | "authorization-webhook-cache-authorized-ttl"
  | "authorization-webhook-cache-unauthorized-ttl"
  | "audit-webhook-initial-backoff"
  | "audit-webhook-batch-max-wait"
  | "cluster-signing-duration";

function duration(flags: FlagValues<MasterFlags>, name: DurationFlag): number {
  try {
    return parseDuration(flags[name] ?? "");
  } catch (cause) {
    throw new SyntaxError(`--${name}: ${(cause as Error).message}`, { cause });
  }
}
