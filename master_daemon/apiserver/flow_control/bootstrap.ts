import type { FlowRule, FlowSchema, FlowSubject } from "../../../core/kinds/flow_schema.ts";
import type { PriorityLevelConfiguration } from "../../../core/kinds/priority_level_configuration.ts";

type ResourceRule = NonNullable<FlowRule["resourceRules"]>[number];

const apiVersion = "flowcontrol.apiserver.k8s.io/v1";
const metadataOf = (name: string) => ({ name, annotations: { "apf.kubernetes.io/autoupdate-spec": "true" } });

/** A level whose requests wait in queues, or are refused where `queues` is 0. */
function limited(
  name: string,
  shares: number,
  lendablePercent: number,
  queues: number,
  handSize = 6,
): PriorityLevelConfiguration {
  return {
    apiVersion,
    kind: "PriorityLevelConfiguration",
    metadata: metadataOf(name),
    spec: {
      type: "Limited",
      limited: {
        nominalConcurrencyShares: shares,
        lendablePercent,
        limitResponse:
          queues === 0 ? { type: "Reject" } : { type: "Queue", queuing: { queues, handSize, queueLengthLimit: 50 } },
      },
    },
  };
}

/** Levels that are there even when nobody has stored them. */
export const mandatoryLevels: readonly PriorityLevelConfiguration[] = [
  {
    apiVersion,
    kind: "PriorityLevelConfiguration",
    metadata: metadataOf("exempt"),
    spec: { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  },
  limited("catch-all", 5, 0, 0),
];

/** All levels that a new cluster has. */
export const bootstrapLevels: readonly PriorityLevelConfiguration[] = [
  ...mandatoryLevels,
  limited("system", 30, 33, 64),
  limited("node-high", 40, 25, 64),
  limited("leader-election", 10, 0, 16, 4),
  limited("workload-high", 40, 50, 128),
  limited("workload-low", 100, 90, 128),
  limited("global-default", 20, 50, 128),
];

const everything: ResourceRule = {
  verbs: ["*"],
  apiGroups: ["*"],
  resources: ["*"],
  clusterScope: true,
  namespaces: ["*"],
};
const everyPath = { verbs: ["*"], nonResourceURLs: ["*"] };
const leases = (verbs: readonly string[]): ResourceRule => ({
  verbs,
  apiGroups: ["coordination.k8s.io"],
  resources: ["leases"],
  namespaces: ["*"],
});

const groups = (...names: readonly string[]) => names.map((name): FlowSubject => ({ kind: "Group", group: { name } }));
const users = (...names: readonly string[]) => names.map((name): FlowSubject => ({ kind: "User", user: { name } }));
const systemAccounts: readonly FlowSubject[] = [
  { kind: "ServiceAccount", serviceAccount: { namespace: "kube-system", name: "*" } },
];
const everybody = groups("system:unauthenticated", "system:authenticated");

function schema(
  name: string,
  matchingPrecedence: number,
  level: string,
  subjects: readonly FlowSubject[],
  {
    by,
    resourceRules,
    nonResourceRules,
  }: {
    readonly by?: "ByUser" | "ByNamespace";
    readonly resourceRules?: readonly ResourceRule[];
    readonly nonResourceRules?: readonly (typeof everyPath)[];
  } = {},
): FlowSchema {
  const isAll = !resourceRules && !nonResourceRules;
  const rules = {
    subjects,
    ...(isAll || resourceRules ? { resourceRules: resourceRules ?? [everything] } : {}),
    ...(isAll || nonResourceRules ? { nonResourceRules: nonResourceRules ?? [everyPath] } : {}),
  };
  return {
    apiVersion,
    kind: "FlowSchema",
    metadata: metadataOf(name),
    spec: {
      matchingPrecedence,
      priorityLevelConfiguration: { name: level },
      ...(by ? { distinguisherMethod: { type: by } } : {}),
      rules: [rules],
    },
  };
}

/** Schemas that are there even when nobody has stored them. */
export const mandatorySchemas: readonly FlowSchema[] = [
  schema("exempt", 1, "exempt", groups("system:masters")),
  schema("catch-all", 10000, "catch-all", everybody, { by: "ByUser" }),
];

/** All schemas that a new cluster has. @see k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap */
export const bootstrapSchemas: readonly FlowSchema[] = [
  ...mandatorySchemas,
  schema("probes", 2, "exempt", everybody, {
    nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
  }),
  schema(
    "system-leader-election",
    100,
    "leader-election",
    [...users("system:kube-controller-manager", "system:kube-scheduler"), ...systemAccounts],
    { by: "ByUser", resourceRules: [leases(["get", "create", "update"])] },
  ),
  schema("system-node-high", 400, "node-high", groups("system:nodes"), {
    by: "ByUser",
    resourceRules: [
      { verbs: ["*"], apiGroups: [""], resources: ["nodes", "nodes/status"], clusterScope: true, namespaces: ["*"] },
      leases(["*"]),
    ],
  }),
  schema("system-nodes", 500, "system", groups("system:nodes"), { by: "ByUser" }),
  schema("kube-controller-manager", 800, "workload-high", users("system:kube-controller-manager"), {
    by: "ByNamespace",
  }),
  schema("kube-scheduler", 800, "workload-high", users("system:kube-scheduler"), { by: "ByNamespace" }),
  schema("kube-system-service-accounts", 900, "workload-high", systemAccounts, { by: "ByNamespace" }),
  schema("service-accounts", 9000, "workload-low", groups("system:serviceaccounts"), { by: "ByUser" }),
  schema("global-default", 9900, "global-default", everybody, { by: "ByUser" }),
];
