import { transcripts } from "./_transcripts.ts";

const group = "rbac.authorization.k8s.io";
// kubectl puts what names no namespace into none: the manifests name theirs.
const role = (rules: readonly object[], metadata: object = {}) => ({
  apiVersion: `${group}/v1`,
  kind: "Role",
  metadata: { name: "maker", namespace: "$NS", ...metadata },
  rules,
});
const rule = (verbs: readonly string[], resources: readonly string[] = ["configmaps"], more: object = {}) => ({
  apiGroups: [""],
  resources,
  verbs,
  ...more,
});
const user = (name: string) => ({ kind: "User", apiGroup: group, name });
const account = { kind: "ServiceAccount", name: "default", namespace: "$NS" };
const binding = (subjects: readonly object[], name = "maker", metadata: object = {}) => ({
  apiVersion: `${group}/v1`,
  kind: "RoleBinding",
  metadata: { name: "makers", namespace: "$NS", ...metadata },
  roleRef: { apiGroup: group, kind: "Role", name },
  subjects,
});
const aggregated = (labels: readonly object[], rules: readonly object[] = []) => ({
  apiVersion: `${group}/v1`,
  kind: "ClusterRole",
  metadata: { name: "$NS-all" },
  ...(labels.length > 0
    ? { aggregationRule: { clusterRoleSelectors: labels.map((matchLabels) => ({ matchLabels })) } }
    : {}),
  rules,
});
const list = (...items: readonly object[]) => ({ apiVersion: "v1", kind: "List", items });
const left = { annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } };
const show = "get role,rolebinding -o jsonpath='{range .items[*]}{.metadata.labels}{.rules}{.roleRef}{.subjects}{end}'";
const reconcile = "auth reconcile -f -";

transcripts("auth reconcile", [
  { lines: ["auth reconcile", "auth reconcile -f x y", "auth reconcile -f $DIR/none", "auth reconcile y"] },
  {
    name: "creates what is missing, and adds rules",
    lines: [
      { line: `${reconcile} --dry-run=client`, input: role([rule(["get", "list"], ["pods", "pods/log"])]) },
      { line: reconcile, input: role([rule(["get", "list"], ["pods", "pods/log"])]) },
      { line: reconcile, input: role([rule(["get", "list"], ["pods", "pods/log"])]) },
      { line: reconcile, input: role([rule(["get", "watch"], ["pods", "secrets"], { resourceNames: ["a", "b"] })]) },
      { line: `${reconcile} -o name`, input: role([rule(["*"], ["*"])], { labels: { a: "1" } }) },
      show,
    ],
  },
  {
    name: "removes rules that are not wanted",
    given: [role([rule(["get", "create", "delete"])], { labels: { a: "1" } })],
    lines: [
      { line: `${reconcile} --remove-extra-permissions --dry-run=client`, input: role([rule(["get"])]) },
      {
        line: `${reconcile} --remove-extra-permissions`,
        input: role([rule(["get", "list"])], { labels: { a: "2", b: "2" } }),
      },
      show,
      { line: `${reconcile} --remove-extra-permissions --remove-extra-subjects`, input: role([rule(["get", "list"])]) },
    ],
  },
  {
    name: "adds and removes subjects",
    given: [binding([user("ann"), account])],
    lines: [
      { line: reconcile, input: binding([user("bob"), user("bob"), user("ann")]) },
      { line: `${reconcile} --remove-extra-subjects`, input: binding([user("bob"), user("carol")]) },
      show,
    ],
  },
  {
    name: "makes a binding to another role anew",
    given: [binding([user("ann")])],
    lines: [
      { line: `${reconcile} --dry-run=client`, input: binding([user("bob")], "other") },
      { line: reconcile, input: binding([user("bob")], "other") },
      show,
    ],
  },
  {
    name: "leaves alone what opted out",
    given: [role([rule(["get"])], left), binding([user("ann")], "maker", left)],
    lines: [
      { line: reconcile, input: list(role([rule(["list"])]), binding([user("bob")], "other")) },
      { line: reconcile, input: binding([user("bob")]) },
      show,
    ],
  },
  {
    name: "reconciles what is in no namespace, and aggregation",
    lines: [
      {
        line: reconcile,
        input: aggregated([], [{ nonResourceURLs: ["/healthz", "/livez/*"], verbs: ["get", "head"] }]),
      },
      { line: reconcile, input: aggregated([], [{ nonResourceURLs: ["/healthz", "/livez/x"], verbs: ["get"] }]) },
      { line: `${reconcile} --remove-extra-permissions`, input: aggregated([{ "$NS-a": "1" }]) },
      { line: reconcile, input: aggregated([{ "$NS-b": "1" }]) },
      "get clusterrole $NS-all -o jsonpath={.aggregationRule}",
      { line: reconcile, input: aggregated([]) },
      "get clusterrole $NS-all -o jsonpath={.aggregationRule}",
      {
        line: reconcile,
        input: {
          apiVersion: `${group}/v1`,
          kind: "ClusterRoleBinding",
          metadata: { name: "$NS-all" },
          roleRef: { apiGroup: group, kind: "ClusterRole", name: "$NS-all" },
        },
      },
      "delete clusterrole,clusterrolebinding $NS-all",
    ],
  },
  {
    name: "makes the namespace, and skips other kinds",
    lines: [
      {
        line: reconcile,
        input: list(role([rule(["get"])], { namespace: "$NS-new" }), {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "one" },
        }),
      },
      "get role -n $NS-new -o name",
      "get cm one",
      { line: `${reconcile} -n other`, input: role([], { namespace: "$NS" }) },
    ],
  },
]);
