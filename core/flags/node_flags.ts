/** The flags of `wherry node`, with the names that the kubelet and kube-proxy use. How the API is reached is not among them: every verb has those. */
export const nodeFlags = {
  "hostname-override": {
    type: "string",
    placeholder: "name",
    description: "Name of the node; default: the machine's.",
  },
  "node-ip": {
    type: "list",
    placeholder: "address",
    description: "Addresses of the node, most important first; default: the machine's first, or 127.0.0.1.",
  },
  "root-dir": {
    type: "string",
    placeholder: "path",
    description:
      "Folder for what belongs to pods: volumes, logs, the process runtime's state; default /var/lib/wherry/node, or ~/.wherry/node for ordinary users.",
  },
  address: {
    type: "string",
    placeholder: "address",
    default: "0.0.0.0",
    description: "Address on which the daemon serves logs, exec and port-forward to the master.",
  },
  port: {
    type: "number",
    default: 10250,
    description: "Port of that server; 0: any that is free.",
  },
  "client-ca-file": {
    type: "string",
    placeholder: "path",
    description:
      "Who may use that server: holders of certificates signed by this authority; default: the one that the master publishes.",
  },
  "node-labels": {
    type: "list",
    placeholder: "labels",
    description: "Labels to register the node with.",
  },
  "register-with-taints": {
    type: "list",
    placeholder: "taints",
    description: "Taints to register the node with.",
  },
  "allowed-unsafe-sysctls": {
    type: "list",
    placeholder: "names",
    description: "Kernel parameters that pods may set though others may feel it; with * at the end all that begin so.",
  },
  "max-pods": { type: "number", default: 110, description: "How many pods the node takes." },
  "container-runtime": {
    type: "string",
    default: "auto",
    placeholder: "name",
    description: "What runs containers: process, docker, or auto (docker where it answers).",
  },
  "pod-infra-container-image": {
    type: "string",
    placeholder: "image",
    description: "Image of the container that holds a pod's network, in the docker runtime.",
  },
  "default-ulimit": {
    type: "list",
    placeholder: "limits",
    description:
      "Limits of the processes of pods, as name=soft:hard (nofile=1024:4096); default: those of this daemon, or of Docker's.",
  },
  "pod-cidr": {
    type: "string",
    placeholder: "range",
    description: "Range of pod addresses; default: what the master gives to the node.",
  },
  "run-proxy": { type: "boolean", default: true, description: "Serve the cluster's services on this machine too." },
  "nodeport-addresses": {
    type: "list",
    placeholder: "range",
    description: "Addresses on which node ports are served, as ranges; default: the node's own and 127.0.0.1.",
  },
  "proxy-balancer": {
    type: "string",
    default: "round-robin",
    placeholder: "name",
    description: "How endpoints are chosen: round-robin or random.",
  },
  "run-dns": {
    type: "boolean",
    default: true,
    description: "Answer for the names of services at the address of the Service kube-dns in kube-system.",
  },
  "cluster-dns": {
    type: "list",
    placeholder: "address",
    description: "Servers that pods ask for names; default: the addresses of the Service kube-dns.",
  },
  "cluster-domain": {
    type: "string",
    default: "cluster.local",
    placeholder: "domain",
    description: "Domain under which the names of services are.",
  },
  "resolv-conf": {
    type: "string",
    placeholder: "path",
    description:
      "File with the resolvers of pods that use the node's, and of names outside the cluster; empty: none; default: the machine's.",
  },
  "drain-on-exit": {
    type: "boolean",
    default: false,
    description: "End all pods in order when the daemon is told to stop, rather than leave them running.",
  },
  "shutdown-grace-period": {
    type: "string",
    default: "0s",
    placeholder: "duration",
    description:
      "When told to stop, be a node that shuts down: say so, take no pods, and end those that run in that time, the critical ones last.",
  },
  "shutdown-grace-period-critical-pods": {
    type: "string",
    default: "0s",
    placeholder: "duration",
    description: "The part of --shutdown-grace-period that is kept for critical pods.",
  },
  "shutdown-grace-period-by-pod-priority": {
    type: "list",
    placeholder: "periods",
    description:
      "Instead of the two above, how long pods have from each priority on, such as 0=60s,1000=20s,2000000000=10s; the least important end first.",
  },
  "eviction-hard": {
    type: "list",
    placeholder: "thresholds",
    description:
      "When pods are ended at once for what the node lacks; default memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%. Given, it replaces all of them.",
  },
  "eviction-soft": {
    type: "list",
    placeholder: "thresholds",
    description: "When pods are ended once that has been so for --eviction-soft-grace-period.",
  },
  "eviction-soft-grace-period": {
    type: "list",
    placeholder: "periods",
    description: "How long a signal of --eviction-soft has to be met.",
  },
  "eviction-minimum-reclaim": {
    type: "list",
    placeholder: "amounts",
    description: "How much more than the threshold has to be free before that is enough.",
  },
  "eviction-pressure-transition-period": {
    type: "string",
    default: "5m",
    placeholder: "duration",
    description: "How long the node says that it is short of something after it last was.",
  },
  "eviction-max-pod-grace-period": {
    type: "number",
    default: 0,
    description: "Seconds that a pod gets at most to end for a signal of --eviction-soft.",
  },
  "image-gc-high-threshold": {
    type: "number",
    default: 85,
    description:
      "Percent of the images' disk in use from which images that this node fetched and no container uses are removed; 100: never.",
  },
  "image-gc-low-threshold": {
    type: "number",
    default: 80,
    description: "Percent down to which they are, the one longest unused first.",
  },
  "minimum-image-ttl-duration": {
    type: "string",
    default: "2m",
    placeholder: "duration",
    description: "How long an image has to be there before it may be removed.",
  },
  "image-maximum-gc-age": {
    type: "string",
    default: "0s",
    placeholder: "duration",
    description: "How long an image may be unused before it is removed, however much room there is; 0: for ever.",
  },
  "container-log-max-size": {
    type: "string",
    default: "10Mi",
    placeholder: "quantity",
    description: "Size of a container's log at which a new file is begun.",
  },
  "container-log-max-files": {
    type: "number",
    default: 5,
    description: "Files of a container's log that are kept; at least 2.",
  },
  "kube-reserved": {
    type: "list",
    placeholder: "amounts",
    description:
      "What pods may not have, for the daemons of the cluster: amounts of cpu, memory, ephemeral-storage and pid, as cpu=200m,memory=500Mi.",
  },
  "system-reserved": {
    type: "list",
    placeholder: "amounts",
    description: "What pods may not have, for the rest of the machine.",
  },
  "enforce-node-allocatable": {
    type: "list",
    placeholder: "whom",
    description:
      "pods: all pods together are kept to the capacity without what is reserved, where the runtime can (default); none: they are not.",
  },
  "pod-manifest-path": {
    type: "string",
    placeholder: "path",
    description: "A file with pods, or a folder of such files, to run besides those of the API; watched.",
  },
  "file-check-frequency": {
    type: "string",
    default: "20s",
    placeholder: "duration",
    description: "Time after which --pod-manifest-path is read again though nothing told of a change.",
  },
  "manifest-url": {
    type: "string",
    placeholder: "url",
    description: "Address of a manifest with pods to run besides those of the API.",
  },
  "manifest-url-header": {
    type: "list",
    placeholder: "header",
    description: "Headers for --manifest-url, as name:value.",
  },
  "http-check-frequency": {
    type: "string",
    default: "20s",
    placeholder: "duration",
    description: "Time between two requests for --manifest-url.",
  },
  "pod-socket": {
    type: "string",
    placeholder: "path",
    description: "A UNIX socket to listen on for pods: PUT or DELETE /pods/NAME; only its owner may connect.",
  },
  standalone: {
    type: "boolean",
    default: false,
    description: "Without a master: run the pods of files, of an address and of the socket alone.",
  },
} as const;

/** The type of {@linkcode nodeFlags}, by which the values of its flags have theirs: see `FlagValues`. */
export type NodeFlags = typeof nodeFlags;
