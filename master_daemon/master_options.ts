import type { UserInfo } from "../core/client/transport.ts";
import type { Clock } from "../core/util/clock.ts";
import type { Logger } from "../core/util/log.ts";
import type { DefaultTolerationOptions } from "./admission/default_toleration_seconds.ts";
import type { QuotaBooksOptions } from "./admission/resource_quota/books.ts";
import type { AuditOptions } from "./apiserver/audit/mod.ts";
import type { InFlightOptions } from "./apiserver/filters/in_flight.ts";
import type { NodeConnector } from "./apiserver/node_connector.ts";
import type { AuthenticationFlags } from "./authentication/mod.ts";
import type { AuthorizationFlags } from "./authorization/mod.ts";
import type { ControllersOptions } from "./controllers/mod.ts";
import type { ElectionDurations } from "./leadership.ts";
import type { EtcdOptions } from "./store/etcd.ts";
import type { Store } from "./store/store.ts";

/** Where a master is reached over the network. */
export interface MasterListenOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** 0: any free port. Default 6443. */
  readonly port?: number | undefined;
  /** Address that others reach it by. Default: `host`, or the machine's first address when that is `0.0.0.0`. */
  readonly advertiseAddress?: string | undefined;
  /** More names and addresses for the certificate. */
  readonly subjectAltNames?: readonly string[] | undefined;
}

/** Which admission plug-ins there are, and what they are to do. */
export interface MasterAdmissionOptions {
  /** Plug-ins that are off by default, by name. */
  readonly enable?: readonly string[] | undefined;
  readonly disable?: readonly string[] | undefined;
  /** Path of an AdmissionConfiguration. */
  readonly configFile?: string | undefined;
}

/** Options of `startMaster`. */
export interface MasterOptions {
  /** Folder for everything that lasts: store and certificates. Absent: nothing lasts. */
  readonly dataDir?: string | undefined;
  /** URL of the store, or one that is open already and stays the caller's. Default: a log in `dataDir`, or memory without one. */
  readonly store?: string | Store | undefined;
  /** How an etcd is reached that `store` names. */
  readonly etcd?: EtcdOptions | undefined;
  /** Path of an EncryptionConfiguration: how values are kept in the store. */
  readonly encryptionProviderConfig?: string | undefined;
  /** How masters on one etcd agree who runs controllers and scheduler; false: all do. */
  readonly leaderElection?: ElectionDurations | false | undefined;
  /** Absent: the API is reached in this process only. */
  readonly listen?: MasterListenOptions | undefined;
  /** How users are told. */
  readonly authentication?: AuthenticationFlags | undefined;
  /** Bearer tokens besides those of files. */
  readonly tokens?: ReadonlyMap<string, UserInfo> | undefined;
  /** Who may do what. Default: Node, then RBAC. */
  readonly authorization?: AuthorizationFlags | undefined;
  /**
   * A range of IPv4, and after a comma maybe one of IPv6. Default `127.96.0.0/16` for a master that only this machine
   * reaches, `10.96.0.0/16` for others.
   */
  readonly serviceClusterIpRange?: string | undefined;
  /** Default `30000-32767`. */
  readonly serviceNodePortRange?: string | undefined;
  readonly tolerations?: DefaultTolerationOptions | undefined;
  readonly admission?: MasterAdmissionOptions | undefined;
  /** Path of a KubeSchedulerConfiguration. Default: Kubernetes' own. */
  readonly schedulerConfig?: string | undefined;
  readonly resourceQuota?: Pick<QuotaBooksOptions, "syncPeriodMs"> | undefined;
  readonly limits?: InFlightOptions | undefined;
  /** False: `limits` alone bound how much is served at once. Default true. */
  readonly priorityAndFairness?: boolean | undefined;
  /** Absent: no audit log. */
  readonly audit?: AuditOptions | undefined;
  readonly minRequestTimeoutSeconds?: number | undefined;
  readonly controllers?: ControllersOptions | undefined;
  /** How node daemons are reached. Default: over TLS. */
  readonly nodes?: NodeConnector | undefined;
  /** True: controllers and scheduler run elsewhere. Default false. */
  readonly apiServerOnly?: boolean | undefined;
  /** Makes the uids of objects. Default: the machine's randomness. */
  readonly uuid?: (() => string) | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** What goes first, e.g. the nodes of the same process: default objects are written after it. Default: nothing. */
  readonly first?: Promise<unknown> | undefined;
  /** Gives up the start when aborted. */
  readonly signal?: AbortSignal | undefined;
}
