import { pod as anyPod, configMap, deployment, service } from "./_objects.ts";
import { type Transcript, transcripts } from "./_transcripts.ts";

const labels = { app: "web" };

/** A pod that nobody schedules: nothing happens to it. */
function pod(
  name: string,
  { labels = {}, spec = {} }: { readonly labels?: object; readonly spec?: object } = {},
): object {
  return anyPod(name, { labels, spec: { schedulerName: "nobody", ...spec } });
}

const template = { metadata: { labels }, spec: { containers: [{ name: "main", image: "nginx:1" }] } };

/** A kind's object, and the line that describes it. */
function of(apiVersion: string, kind: string, rest: object = {}, metadata: object = {}): Transcript {
  const group = apiVersion.split("/")[0];
  const type = apiVersion.includes("/") ? `${kind}.${group}` : kind;
  return {
    given: [{ apiVersion, kind, metadata: { name: "one", ...metadata }, ...rest }],
    lines: [`describe ${type.toLowerCase()} one`],
  };
}

/** The same for kinds that are in no namespace. */
function global(apiVersion: string, kind: string, rest: object = {}, metadata: object = {}): Transcript {
  const { given, lines } = of(apiVersion, kind, rest, { ...metadata, name: "$NS" });
  return { given: given ?? [], lines: lines.map((line) => `${line}`.replace(/ one$/, " $NS")) };
}

const full = pod("full", {
  labels: { app: "web", tier: "front" },
  spec: {
    priorityClassName: "",
    serviceAccountName: "default",
    nodeSelector: { disk: "ssd", arch: "x" },
    tolerations: [
      { key: "a", operator: "Equal", value: "b", effect: "NoSchedule" },
      { operator: "Exists", key: "c" },
      { key: "d", operator: "Exists", effect: "NoExecute", tolerationSeconds: 30 },
    ],
    securityContext: { seccompProfile: { type: "RuntimeDefault" } },
    readinessGates: [{ conditionType: "example.com/ready" }],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "zone",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: { a: "b" } },
      },
    ],
    initContainers: [{ name: "first", image: "busybox", command: ["sh", "-c", "echo a\necho b"] }],
    containers: [
      {
        name: "main",
        image: "nginx:1",
        args: ["--x", "1"],
        ports: [{ containerPort: 80 }, { containerPort: 443, protocol: "TCP" }],
        resources: { limits: { cpu: "500m", memory: "128Mi" }, requests: { cpu: "0.25", memory: "64Mi" } },
        env: [
          { name: "A", value: "1" },
          { name: "LINES", value: "a\nb" },
          { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
          { name: "LABEL", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
          { name: "MEM", valueFrom: { resourceFieldRef: { resource: "requests.memory", divisor: "1Mi" } } },
          { name: "S", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: true } } },
          { name: "C", valueFrom: { configMapKeyRef: { name: "c", key: "k" } } },
        ],
        envFrom: [{ configMapRef: { name: "c" } }, { prefix: "P_", secretRef: { name: "s", optional: true } }],
        livenessProbe: { httpGet: { path: "/live", port: 80 }, initialDelaySeconds: 3 },
        readinessProbe: { exec: { command: ["cat", "/x"] } },
        startupProbe: { tcpSocket: { port: 80 } },
        volumeMounts: [
          { name: "data", mountPath: "/z" },
          { name: "cfg", mountPath: "/a", readOnly: true, subPath: "x" },
        ],
      },
      { name: "two", image: "redis", ports: [{ containerPort: 6379 }] },
    ],
    volumes: [
      { name: "data", emptyDir: { sizeLimit: "1Gi" } },
      { name: "cfg", configMap: { name: "c" } },
      { name: "sec", secret: { secretName: "s", optional: true } },
      { name: "host", hostPath: { path: "/x", type: "Directory" } },
      { name: "nfs", nfs: { server: "a", path: "/b" } },
      { name: "pvc", persistentVolumeClaim: { claimName: "p" } },
      { name: "down", downwardAPI: { items: [{ path: "l", fieldRef: { fieldPath: "metadata.labels" } }] } },
      {
        name: "proj",
        projected: {
          sources: [
            { secret: { name: "s" } },
            { configMap: { name: "c", optional: true } },
            { downwardAPI: { items: [] } },
            { serviceAccountToken: { path: "t", expirationSeconds: 3600 } },
          ],
        },
      },
      { name: "csi", csi: { driver: "d.example.com", volumeAttributes: { a: "b", c: "d" } } },
      { name: "img", image: { reference: "quay.io/x:1", pullPolicy: "IfNotPresent" } },
      {
        name: "eph",
        ephemeral: {
          volumeClaimTemplate: {
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
          },
        },
      },
    ],
  },
});

const long = "x".repeat(200);

// No kind here that a controller has something to say about while it is described.
transcripts("describe", [
  { given: [pod("plain")], lines: ["describe pod plain"] },
  { given: [full], lines: ["describe pod full"] },
  { given: [pod("a1"), pod("a2"), pod("b")], lines: ["describe pod a", "describe pod a1 a2", "describe pod missing"] },
  {
    given: [pod("a", { labels })],
    lines: ["describe pods -l app=web", "describe po/a", "describe pod a --show-events=false"],
  },
  { lines: ["describe pods", "describe", "describe nonsense x", "describe pod a b"] },
  {
    given: [
      configMap("one", { a: "1", "b.txt": "x\ny\n" }, { labels, annotations: { short: "s", long, lines: "a\nb" } }),
    ],
    lines: ["describe cm one", "describe cm/one cm/gone"],
  },
  {
    name: "describe of a deployment whose template has a list of nothing more than its replica set's",
    given: [deployment("web", { replicas: 0 })],
    lines: [
      { line: "describe deploy web --show-events=false", until: /NewReplicaSetAvailable[\s\S]*NewReplicaSet: +web-/ },
      `patch deploy web --type=json -p '[{"op":"add","path":"/spec/template/spec/containers/0/env","value":[]}]'`,
      { line: "describe deploy web --show-events=false", until: /NewReplicaSetAvailable[\s\S]*NewReplicaSet: +web-/ },
    ],
  },
  {
    given: [deployment("web", { spec: { paused: true, replicas: 0 } })],
    lines: ["describe deploy web --show-events=false"],
  },
  of("v1", "Secret", { type: "Opaque", data: { b: "aGVsbG8=" } }),
  of("v1", "ServiceAccount"),
  {
    given: [
      service("web", {
        selector: {},
        clusterIP: "None",
        ports: [
          { name: "http", port: 80, targetPort: "web" },
          { name: "s", port: 443 },
        ],
      }),
    ],
    lines: ["describe svc web"],
  },
  {
    given: [service("ext", { type: "ExternalName", externalName: "example.com", ports: [] })],
    lines: ["describe svc ext"],
  },
  of("v1", "Endpoints", {
    subsets: [{ addresses: [{ ip: "10.1.2.3" }], ports: [{ name: "a", port: 1, protocol: "TCP" }] }],
  }),
  of("discovery.k8s.io/v1", "EndpointSlice", {
    addressType: "IPv4",
    ports: [{ name: "a", port: 1, protocol: "TCP" }],
    endpoints: [{ addresses: ["10.1.2.3"], conditions: { ready: true }, nodeName: "n" }],
  }),
  of("networking.k8s.io/v1", "Ingress", {
    spec: {
      ingressClassName: "x",
      tls: [{ hosts: ["a.example.com"], secretName: "t" }, { hosts: ["b"] }],
      rules: [
        {
          host: "a.example.com",
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "s", port: { number: 80 } } } }],
          },
        },
        {
          http: {
            paths: [{ path: "/x", pathType: "Exact", backend: { service: { name: "s", port: { name: "p" } } } }],
          },
        },
      ],
    },
  }),
  of("networking.k8s.io/v1", "NetworkPolicy", {
    spec: {
      podSelector: { matchLabels: { a: "b" } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [
            { podSelector: { matchLabels: { x: "y" } } },
            { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } },
          ],
          ports: [{ port: 80 }, { port: 1, endPort: 5, protocol: "UDP" }],
        },
        {},
      ],
      egress: [],
    },
  }),
  of("networking.k8s.io/v1", "NetworkPolicy", { spec: { podSelector: {} } }),
  of("batch/v1", "CronJob", {
    spec: {
      schedule: "0 0 1 1 *",
      jobTemplate: {
        spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } } },
      },
    },
  }),
  of("apps/v1", "StatefulSet", {
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      serviceName: "x",
      template,
      volumeClaimTemplates: [
        {
          metadata: { name: "d" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
      ],
    },
  }),
  of("apps/v1", "DaemonSet", { spec: { selector: { matchLabels: labels }, template } }),
  of("apps/v1", "ReplicaSet", { spec: { replicas: 0, selector: { matchLabels: labels }, template } }),
  of("v1", "ReplicationController", { spec: { replicas: 0, selector: labels, template } }),
  of("v1", "LimitRange", {
    // One resource: kubectl tells of several in any order.
    spec: { limits: [{ type: "Container", max: { cpu: "2" }, default: { cpu: "1" }, min: { cpu: "100m" } }] },
  }),
  of("rbac.authorization.k8s.io/v1", "Role", {
    rules: [
      { apiGroups: ["apps", ""], resources: ["pods", "deployments/scale"], verbs: ["get", "list"] },
      { apiGroups: [""], resources: ["secrets"], resourceNames: ["a", "b"], verbs: ["*"] },
      { apiGroups: [""], resources: ["pods"], verbs: ["watch"] },
    ],
  }),
  of("rbac.authorization.k8s.io/v1", "RoleBinding", {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "x" },
    subjects: [
      { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "u" },
      { kind: "ServiceAccount", name: "s", namespace: "n" },
    ],
  }),
  of("coordination.k8s.io/v1", "Lease", { spec: { holderIdentity: "me", leaseDurationSeconds: 3 } }),
  of("v1", "PodTemplate", { template }),
  { lines: ["describe ns $NS"] },
  global("rbac.authorization.k8s.io/v1", "ClusterRole", { rules: [{ nonResourceURLs: ["/x", "/y"], verbs: ["get"] }] }),
  global("storage.k8s.io/v1", "StorageClass", {
    provisioner: "example.com/x",
    parameters: { a: "b" },
    mountOptions: ["ro"],
    allowVolumeExpansion: true,
  }),
  {
    ...global("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", {
      spec: {
        priorityLevelConfiguration: { name: "exempt" },
        rules: [
          {
            subjects: [{ kind: "User", user: { name: "u" } }],
            nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }],
          },
        ],
      },
    }),
    // Older ones tell capitals from what follows them otherwise.
    since: 36,
  },
  global("scheduling.k8s.io/v1", "PriorityClass", { value: 5, description: "d" }),
  global("networking.k8s.io/v1", "IngressClass", { spec: { controller: "example.com/x" } }),
  global("storage.k8s.io/v1", "CSIDriver", { spec: { attachRequired: false } }),
]);
