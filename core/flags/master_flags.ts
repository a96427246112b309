import type { FlagOf, FlagWithDefault } from "./flag.ts";

/** The flags by name, with what their values are. */
export interface MasterFlags {
  readonly "data-dir": FlagOf<"string">;
  readonly store: FlagOf<"string">;
  readonly "etcd-servers": FlagOf<"list">;
  readonly "bind-address": FlagWithDefault<"string", string>;
  readonly "secure-port": FlagWithDefault<"number", number>;
  readonly "advertise-address": FlagOf<"string">;
  readonly "tls-san": FlagOf<"list">;
  readonly "token-auth-file": FlagOf<"string">;
  readonly "authorization-mode": FlagWithDefault<"string", string>;
  readonly "service-cluster-ip-range": FlagOf<"string">;
  readonly "service-node-port-range": FlagWithDefault<"string", string>;
  readonly "cluster-cidr": FlagOf<"string">;
  readonly "node-cidr-mask-size": FlagWithDefault<"number", number>;
  readonly "enable-admission-plugins": FlagOf<"list">;
  readonly "disable-admission-plugins": FlagOf<"list">;
  readonly "admission-control-config-file": FlagOf<"string">;
  readonly "min-request-timeout": FlagWithDefault<"number", number>;
  readonly "max-requests-inflight": FlagWithDefault<"number", number>;
  readonly "max-mutating-requests-inflight": FlagWithDefault<"number", number>;
  readonly "default-not-ready-toleration-seconds": FlagWithDefault<"number", number>;
  readonly "default-unreachable-toleration-seconds": FlagWithDefault<"number", number>;
  readonly "node-monitor-period": FlagWithDefault<"string", string>;
  readonly "node-monitor-grace-period": FlagWithDefault<"string", string>;
  readonly "node-startup-grace-period": FlagWithDefault<"string", string>;
  readonly "node-eviction-rate": FlagWithDefault<"number", number>;
  readonly "secondary-node-eviction-rate": FlagWithDefault<"number", number>;
  readonly "large-cluster-size-threshold": FlagWithDefault<"number", number>;
  readonly "terminated-pod-gc-threshold": FlagWithDefault<"number", number>;
  readonly "event-ttl": FlagWithDefault<"string", string>;
  readonly "watch-cache": FlagWithDefault<"boolean", boolean>;
  readonly "default-watch-cache-size": FlagWithDefault<"number", number>;
}

/** The flags of `wherry master`, with the names that kube-apiserver, kube-controller-manager and kube-scheduler use. */
export const masterFlags: MasterFlags = {
  "data-dir": {
    type: "string",
    placeholder: "path",
    description:
      "Folder for everything that lasts: the store and the certificates; default /var/lib/wherry/master, or ~/.wherry/master for ordinary users.",
  },
  store: {
    type: "string",
    description: "Where objects are kept: log:PATH or memory:. Default: a log in the data directory.",
  },
  "etcd-servers": { type: "list", description: "Not available yet: objects are kept in the embedded store." },
  "bind-address": { type: "string", default: "127.0.0.1", description: "Address to listen on; 0.0.0.0 for all." },
  "secure-port": { type: "number", default: 6443, description: "Port to serve HTTPS on; 0 for any free one." },
  "advertise-address": {
    type: "string",
    description: "Address by which others reach this server. Default: the bind address, or the machine's first.",
  },
  "tls-san": { type: "list", description: "More host names and addresses for the server's certificate." },
  "token-auth-file": { type: "string", description: 'File of bearer tokens: lines of token,user,uid,"group1,group2".' },
  "authorization-mode": { type: "string", default: "AlwaysAllow", description: "What decides who may do what." },
  "service-cluster-ip-range": {
    type: "string",
    placeholder: "range",
    description:
      "IPv4 range of the services' addresses; default 127.96.0.0/16 with a loopback bind address, else 10.96.0.0/16.",
  },
  "service-node-port-range": {
    type: "string",
    default: "30000-32767",
    description: "Ports of services of type NodePort.",
  },
  "cluster-cidr": {
    type: "string",
    placeholder: "range",
    description:
      "Range from which nodes get their pod ranges; default 127.64.0.0/16 with a loopback bind address, else 10.244.0.0/16.",
  },
  "node-cidr-mask-size": { type: "number", default: 24, description: "Prefix length of a node's pod range." },
  "enable-admission-plugins": {
    type: "list",
    placeholder: "names",
    description: "Admission plug-ins to switch on that are off by default, such as AlwaysPullImages.",
  },
  "disable-admission-plugins": {
    type: "list",
    placeholder: "names",
    description: "Admission plug-ins to switch off that are on by default, such as LimitRanger.",
  },
  "admission-control-config-file": {
    type: "string",
    placeholder: "path",
    description: "File with an AdmissionConfiguration: the configuration of the plug-ins that have one (PodSecurity).",
  },
  "min-request-timeout": {
    type: "number",
    default: 1800,
    description: "Seconds that a watch lasts at least, unless it asks for less.",
  },
  "max-requests-inflight": { type: "number", default: 400, description: "Reads served at the same time." },
  "max-mutating-requests-inflight": { type: "number", default: 200, description: "Writes served at the same time." },
  "default-not-ready-toleration-seconds": {
    type: "number",
    default: 300,
    description: "Seconds that pods stay on a node that is not ready.",
  },
  "default-unreachable-toleration-seconds": {
    type: "number",
    default: 300,
    description: "Seconds that pods stay on a node that is unreachable.",
  },
  "node-monitor-period": {
    type: "string",
    default: "5s",
    placeholder: "duration",
    description: "Time between two looks at a node.",
  },
  "node-monitor-grace-period": {
    type: "string",
    default: "50s",
    placeholder: "duration",
    description: "Silence after which a node counts as lost.",
  },
  "node-startup-grace-period": {
    type: "string",
    default: "1m0s",
    placeholder: "duration",
    description: "The same for a node that never said anything.",
  },
  "node-eviction-rate": {
    type: "number",
    default: 0.1,
    description: "Nodes a second whose pods are driven out when nodes are lost.",
  },
  "secondary-node-eviction-rate": {
    type: "number",
    default: 0.01,
    description: "The same when most nodes of a large cluster are lost.",
  },
  "large-cluster-size-threshold": {
    type: "number",
    default: 50,
    description: "Nodes above which a cluster counts as large.",
  },
  "terminated-pod-gc-threshold": {
    type: "number",
    default: 12500,
    description: "Ended pods that are kept; 0 keeps all.",
  },
  "event-ttl": {
    type: "string",
    default: "1h0m0s",
    placeholder: "duration",
    description: "Time for which events are kept.",
  },
  "watch-cache": {
    type: "boolean",
    default: true,
    description: "Accepted for kube-apiserver's sake: every read and watch is served from memory.",
  },
  "default-watch-cache-size": {
    type: "number",
    default: 100,
    description: "Accepted for kube-apiserver's sake: the store keeps 5 minutes and 10,000 events at least.",
  },
};
