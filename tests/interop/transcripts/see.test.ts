import { transcripts } from "./_transcripts.ts";

const event = (name: string, rest: object) => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name },
  involvedObject: { apiVersion: "v1", kind: "Pod", name: "web", namespace: "$NS" },
  source: { component: "kubelet" },
  type: "Normal",
  firstTimestamp: "2020-01-01T00:00:00Z",
  lastTimestamp: "2020-01-01T00:00:00Z",
  ...rest,
});
const given = [
  event("one", { reason: "Pulled", message: "Pulled the image\n" }),
  event("two", { reason: "Failed", message: "no", type: "Warning", count: 3, lastTimestamp: "2020-01-02T00:00:00Z" }),
  event("zero", { reason: "Untold", message: "no time", firstTimestamp: null, lastTimestamp: null }),
];

transcripts("what there is", [
  ...[
    "api-resources",
    "api-resources -o wide",
    "api-resources -o name",
    "api-resources --no-headers --namespaced=false",
    "api-resources --namespaced",
    "api-resources --api-group=apps --sort-by=kind",
    "api-resources --api-group= --sort-by=name",
    "api-resources --verbs=list,create -o name",
    "api-resources --categories=all",
    "api-resources --sort-by=x",
    "api-resources x",
    "api-versions",
    "api-versions x",
    "version x",
    "version -o x --client",
    "completion nonsense",
    "completion",
    "completion bash zsh",
  ].map((line) => ({ lines: [line] })),
  ...[
    "events",
    "events -o json --for pod/gone",
    "events --no-headers",
    "events --types=Warning",
    "events --types=x",
    "events --for pod/web",
    "events --for pod/gone",
    "events --for web",
    "events --for none/web",
    "events --for pod/a/b",
    "get events --sort-by=.lastTimestamp",
  ].map((line) => ({ given, lines: [line] })),
  ...[
    "cluster-info dump --namespaces=$NS -o yaml",
    "cluster-info dump --namespaces=$NS -o jsonpath={.kind}",
    "cluster-info dump -o name",
    "cluster-info dump -o nonsense",
  ].map((line) => ({ lines: [line] })),
  {
    name: "plugin list",
    files: { "kubectl-one": "", "sub/kubectl-two": "" },
    lines: [
      { line: "plugin list", env: { PATH: "$DIR:$DIR/sub" } },
      { line: "plugin list --name-only", env: { PATH: "$DIR" } },
    ],
  },
  { lines: ["top pod x --sort-by=y", "top node a -l b=c", "top pod a -l b=c"] },
]);
