/** The flags of `wherry master`, with the names that kube-apiserver, kube-controller-manager and kube-scheduler use. */
export const masterFlags = {
  "data-dir": {
    type: "string",
    placeholder: "path",
    description:
      "Folder for everything that lasts: the store and the certificates; default /var/lib/wherry/master, or ~/.wherry/master for ordinary users.",
  },
  store: {
    type: "string",
    description:
      "Where objects are kept: log:PATH, etcd:URL,… or memory:. Default: --etcd-servers, or a log in the data directory.",
  },
  "etcd-servers": {
    type: "list",
    placeholder: "url",
    description: "An etcd (3.4 or later) to keep objects in, so that several masters share them.",
  },
  "etcd-cafile": {
    type: "string",
    placeholder: "path",
    description: "Authorities to trust for etcd's certificates, as PEM.",
  },
  "etcd-certfile": { type: "string", placeholder: "path", description: "Certificate to show to etcd, as PEM." },
  "etcd-keyfile": { type: "string", placeholder: "path", description: "Key of that certificate." },
  "etcd-prefix": { type: "string", default: "/wherry", description: "What all keys in etcd begin with." },
  "encryption-provider-config": {
    type: "string",
    placeholder: "path",
    description: "EncryptionConfiguration: with which keys values such as Secrets are kept (aescbc, aesgcm, identity).",
  },
  "leader-elect": {
    type: "boolean",
    default: true,
    description: "Of several masters on one etcd let one at a time run the controllers, and one the scheduler.",
  },
  "leader-elect-lease-duration": {
    type: "string",
    default: "12s",
    placeholder: "duration",
    description:
      "Silence of the leader after which another takes over. Kubernetes' 15s would leave no time to have done so within 15 seconds.",
  },
  "leader-elect-renew-deadline": {
    type: "string",
    default: "8s",
    placeholder: "duration",
    description: "Time for which the leader tries to renew its lease before it stops.",
  },
  "leader-elect-retry-period": {
    type: "string",
    default: "2s",
    placeholder: "duration",
    description: "Time between two tries to take or renew the lease.",
  },
  "bind-address": { type: "string", default: "127.0.0.1", description: "Address to listen on; 0.0.0.0 for all." },
  "secure-port": { type: "number", default: 6443, description: "Port to serve HTTPS on; 0 for any free one." },
  "advertise-address": {
    type: "string",
    description: "Address by which others reach this server. Default: the bind address, or the machine's first.",
  },
  "tls-san": { type: "list", description: "More host names and addresses for the server's certificate." },
  "token-auth-file": { type: "string", description: 'File of bearer tokens: lines of token,user,uid,"group1,group2".' },
  "client-ca-file": {
    type: "string",
    placeholder: "path",
    description: "Authorities whose client certificates name users, as PEM, besides the cluster's own.",
  },
  "authentication-config": {
    type: "string",
    placeholder: "path",
    description:
      "AuthenticationConfiguration: identity providers, how users are made of their tokens, and who may show nothing. In place of --oidc-….",
  },
  "authentication-token-webhook-config-file": {
    type: "string",
    placeholder: "path",
    description: "Kubeconfig of a server that tells whom a token stands for.",
  },
  "authentication-token-webhook-version": {
    type: "string",
    default: "v1beta1",
    description: "Version of the TokenReview that it is sent: v1 or v1beta1.",
  },
  "authentication-token-webhook-cache-ttl": {
    type: "string",
    default: "2m0s",
    placeholder: "duration",
    description: "Time for which its answers are remembered.",
  },
  "authorization-mode": {
    type: "string",
    placeholder: "modes",
    description:
      "What decides who may do what, in order: Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny. Default Node,RBAC.",
  },
  "authorization-config": {
    type: "string",
    placeholder: "path",
    description: "AuthorizationConfiguration: the authorizers, several webhooks among them. In place of the mode.",
  },
  "authorization-webhook-config-file": {
    type: "string",
    placeholder: "path",
    description: "Kubeconfig of the server that the mode Webhook asks.",
  },
  "authorization-webhook-version": {
    type: "string",
    default: "v1beta1",
    description: "Version of the SubjectAccessReview that it is sent: v1 or v1beta1.",
  },
  "authorization-webhook-cache-authorized-ttl": {
    type: "string",
    default: "5m0s",
    placeholder: "duration",
    description: "Time for which it is remembered that it allows something.",
  },
  "authorization-webhook-cache-unauthorized-ttl": {
    type: "string",
    default: "30s",
    placeholder: "duration",
    description: "Time for which it is remembered that it does not.",
  },
  "anonymous-auth": {
    type: "boolean",
    default: false,
    description: "Serve requests without credentials as those of system:anonymous; default: they are refused.",
  },
  "enable-bootstrap-token-auth": {
    type: "boolean",
    default: false,
    description: "Believe the tokens in secrets of type bootstrap.kubernetes.io/token in kube-system.",
  },
  "service-account-issuer": {
    type: "list",
    placeholder: "url",
    description:
      "What ServiceAccount tokens name as their issuer; more are believed, too. Default https://kubernetes.default.svc.cluster.local.",
  },
  "service-account-key-file": {
    type: "list",
    placeholder: "path",
    description: "Files of more keys whose ServiceAccount tokens are believed.",
  },
  "service-account-signing-key-file": {
    type: "string",
    placeholder: "path",
    description:
      "File of the key that signs ServiceAccount tokens, RSA or EC. Default: one that is made in the data directory.",
  },
  "service-account-jwks-uri": {
    type: "string",
    placeholder: "url",
    description: "Where the issuer's keys are found, as its discovery document says; default: at this server.",
  },
  "service-account-max-token-expiration": {
    type: "string",
    placeholder: "duration",
    description: "Time that a ServiceAccount token lasts at most; default: as long as is asked for.",
  },
  "service-account-extend-token-expiration": {
    type: "boolean",
    default: true,
    description: "Let the tokens of pods last a year, and note it when one is used after the hour that was asked for.",
  },
  "cluster-signing-duration": {
    type: "string",
    default: "8760h0m0s",
    placeholder: "duration",
    description: "Time that certificates which are asked for are valid at most.",
  },
  "api-audiences": {
    type: "list",
    placeholder: "names",
    description: "What this server is called in tokens; default: the issuer.",
  },
  "oidc-issuer-url": {
    type: "string",
    placeholder: "url",
    description: "Identity provider whose tokens are believed, https only.",
  },
  "oidc-client-id": { type: "string", placeholder: "id", description: "What the provider's tokens must be meant for." },
  "oidc-username-claim": {
    type: "string",
    default: "sub",
    placeholder: "claim",
    description: "Claim that is the user's name.",
  },
  "oidc-username-prefix": {
    type: "string",
    placeholder: "prefix",
    description:
      "What the provider's user names begin with here; default: its URL and #, unless the claim is email. - for nothing.",
  },
  "oidc-groups-claim": { type: "string", placeholder: "claim", description: "Claim that holds the user's groups." },
  "oidc-groups-prefix": {
    type: "string",
    placeholder: "prefix",
    description: "What the provider's groups begin with here.",
  },
  "oidc-required-claim": {
    type: "list",
    placeholder: "pair",
    description: "Claims that the provider's tokens must have.",
  },
  "oidc-ca-file": {
    type: "string",
    placeholder: "path",
    description: "Authorities by which the provider is known; default: the system's.",
  },
  "oidc-signing-algs": {
    type: "list",
    placeholder: "names",
    description: "Algorithms that the provider may sign with; default RS256.",
  },
  "requestheader-client-ca-file": {
    type: "string",
    placeholder: "path",
    description: "Authority of front proxies: whoever shows its certificate is believed in naming users in headers.",
  },
  "requestheader-allowed-names": {
    type: "list",
    placeholder: "names",
    description: "Common names of front proxies; default: any that the authority signed.",
  },
  "requestheader-username-headers": {
    type: "list",
    placeholder: "names",
    description: "Headers that name the user; default X-Remote-User.",
  },
  "requestheader-uid-headers": {
    type: "list",
    placeholder: "names",
    description: "Headers that name the user's uid, such as X-Remote-Uid; default: none.",
  },
  "requestheader-group-headers": {
    type: "list",
    placeholder: "names",
    description: "Headers that name groups; default X-Remote-Group.",
  },
  "requestheader-extra-headers-prefix": {
    type: "list",
    placeholder: "prefixes",
    description: "What headers that tell more of the user begin with; default X-Remote-Extra-.",
  },
  "service-cluster-ip-range": {
    type: "string",
    placeholder: "range",
    description:
      "IPv4 range of the services' addresses, and after a comma one of IPv6 for services of both families; default 127.96.0.0/16 with a loopback bind address, else 10.96.0.0/16.",
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
    description:
      "File with an AdmissionConfiguration: the configuration of the plug-ins that have one (PodSecurity, ResourceQuota).",
  },
  "scheduler-config": {
    type: "string",
    placeholder: "path",
    description:
      "KubeSchedulerConfiguration, as kube-scheduler's --config: schedulers by name, each with its plug-ins, their weights and arguments.",
  },
  "enable-priority-and-fairness": {
    type: "boolean",
    default: true,
    description:
      "Whether flow schemas and priority levels say who is served first; both limits of requests in flight together are what they share out.",
  },
  "audit-policy-file": {
    type: "string",
    placeholder: "path",
    description: "File with an audit policy: what of which requests the audit log notes. Without one, nothing.",
  },
  "audit-log-path": {
    type: "string",
    placeholder: "path",
    description: "File for the audit log; - is the standard output.",
  },
  "audit-log-format": {
    type: "string",
    default: "json",
    description: "Form of the audit log: json, one event a line.",
  },
  "audit-log-maxsize": {
    type: "number",
    default: 100,
    description: "Megabytes after which the audit log is set aside and a new one begun.",
  },
  "audit-log-maxage": {
    type: "number",
    default: 0,
    description: "Days that audit logs set aside are kept; 0: for ever.",
  },
  "audit-log-maxbackup": { type: "number", default: 0, description: "Audit logs set aside that are kept; 0: all." },
  "audit-log-compress": {
    type: "boolean",
    default: false,
    description: "Whether audit logs set aside are compressed with gzip.",
  },
  "audit-webhook-config-file": {
    type: "string",
    placeholder: "path",
    description: "Kubeconfig of a server that audit events are sent to.",
  },
  "audit-webhook-mode": {
    type: "string",
    default: "batch",
    description: "How they are sent: batch, many together and without a request waiting for it.",
  },
  "audit-webhook-initial-backoff": {
    type: "string",
    default: "10s",
    placeholder: "duration",
    description: "Time before a batch is sent a second time.",
  },
  "audit-webhook-batch-buffer-size": {
    type: "number",
    default: 10_000,
    description: "Audit events that may wait to be sent; more are lost.",
  },
  "audit-webhook-batch-max-size": { type: "number", default: 400, description: "Audit events sent together at most." },
  "audit-webhook-batch-max-wait": {
    type: "string",
    default: "30s",
    placeholder: "duration",
    description: "Time after which fewer are sent, too.",
  },
  "audit-webhook-batch-throttle-enable": {
    type: "boolean",
    default: true,
    description: "Whether the batches a second are limited.",
  },
  "audit-webhook-batch-throttle-qps": { type: "number", default: 10, description: "Batches a second at most." },
  "audit-webhook-batch-throttle-burst": {
    type: "number",
    default: 15,
    description: "Batches that may go at once when none went before.",
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
  "resource-quota-sync-period": {
    type: "string",
    default: "5m0s",
    placeholder: "duration",
    description: "Time between two counts of everything that quotas limit; changes are followed meanwhile.",
  },
  "terminated-pod-gc-threshold": {
    type: "number",
    default: 12500,
    description: "Ended pods that are kept; 0 keeps all.",
  },
  "horizontal-pod-autoscaler-sync-period": {
    type: "string",
    default: "15s",
    placeholder: "duration",
    description: "Time between two looks at a HorizontalPodAutoscaler.",
  },
  "horizontal-pod-autoscaler-downscale-stabilization": {
    type: "string",
    default: "5m0s",
    placeholder: "duration",
    description: "Time for which it keeps more pods than its metrics ask for, where it does not say itself.",
  },
  "legacy-service-account-token-clean-up-period": {
    type: "string",
    default: "8760h0m0s",
    placeholder: "duration",
    description: "Time for which tokens in secrets that were made by themselves may go unused.",
  },
  "horizontal-pod-autoscaler-tolerance": {
    type: "number",
    default: 0.1,
    description: "Part of its target by which a metric may differ before pods are added or removed.",
  },
  "horizontal-pod-autoscaler-cpu-initialization-period": {
    type: "string",
    default: "5m0s",
    placeholder: "duration",
    description: "Time after a pod's start during which its use of CPU counts only as far as it was ready.",
  },
  "horizontal-pod-autoscaler-initial-readiness-delay": {
    type: "string",
    default: "30s",
    placeholder: "duration",
    description: "Time after a pod's start during which one that is not ready counts as never ready.",
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
} as const;

/** The type of {@linkcode masterFlags}, by which the values of its flags have theirs: see `FlagValues`. */
export type MasterFlags = typeof masterFlags;
