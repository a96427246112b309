import { configMap, deployment, service } from "./_objects.ts";
import { type Line, transcripts } from "./_transcripts.ts";

const one = configMap("one");
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gizmos.$NS.example.com" },
  spec: {
    group: "$NS.example.com",
    scope: "Namespaced",
    names: { plural: "gizmos", singular: "gizmo", kind: "Gizmo" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        deprecated: true,
        deprecationWarning: "use gadgets",
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};
const gizmo = { apiVersion: "$NS.example.com/v1", kind: "Gizmo", metadata: { name: "g" } };
const unknownFields = { ...one, colour: "red", size: 1 };

const sets = (lines: readonly string[]): readonly Line[] =>
  lines.map((line) => ({ line: `${line} -n $NS`, env: { KUBECTL_APPLYSET: "true" } }));
/** Who noted what; the quotes show where the program's name begins. */
const causeOf = (what: string) => `get ${what} -o jsonpath='"{.metadata.annotations.kubernetes\\.io/change-cause}"'`;
transcripts("global flags", [
  {
    name: "the cause of a change is noted",
    since: 36,
    given: [deployment("web")],
    files: { "one.json": one, "two.json": configMap("two") },
    lines: [
      "set image deploy/web main=x:2 --record",
      causeOf("deploy web"),
      "set resources deploy web --limits=cpu=1 --record=false",
      causeOf("deploy web"),
      "annotate deploy web a=b --record=true",
      causeOf("deploy web"),
      "scale deploy web --replicas=2 --record",
      causeOf("deploy web"),
      `patch deploy web --type=json -p '[{"op":"add","path":"/metadata/labels/x","value":"y"}]' --record`,
      causeOf("deploy web"),
      "rollout history deploy web",
      "apply -f $DIR/one.json --record",
      "get cm one -o jsonpath='{.metadata.annotations}'",
      "create -f $DIR/two.json --record",
      causeOf("cm two"),
      "label cm two x=y --record",
      causeOf("cm two"),
      "expose deploy web --port=80 --record",
      causeOf("svc web"),
      "autoscale deploy web --max=3 --record",
      causeOf("hpa web"),
      "run box --image=x --record --restart=Never -- sh -c date",
      causeOf("pod box"),
      "delete cm two --record",
    ],
  },
  {
    name: "what is in an apply set no more is deleted",
    since: 34,
    files: { "a/one.json": one, "a/two.json": configMap("two"), "b/one.json": one, "c/web.json": service("web") },
    lines: [
      ...sets([
        "apply -f $DIR/a --prune --applyset=set",
        "apply -f $DIR/b --prune --applyset=set --dry-run=client",
        "apply -f $DIR/b --prune --applyset=secrets/set --dry-run=server",
        "apply -f $DIR/b --prune --applyset=set",
        "apply -f $DIR/c --prune --applyset=set --server-side",
        "apply -f $DIR/a --prune --applyset=configmaps/other",
      ]),
      "get cm,svc -o name",
      "get secret set -o jsonpath='{.metadata.annotations.applyset\\.kubernetes\\.io/contains-group-kinds} {.metadata.annotations.applyset\\.kubernetes\\.io/additional-namespaces}'",
    ],
  },
  {
    name: "the parents of apply sets",
    since: 34,
    given: [configMap("plain")],
    files: {
      "one.json": one,
      "two.json": { ...one, metadata: { name: "two", labels: { "applyset.kubernetes.io/part-of": "x" } } },
    },
    lines: [
      ...sets([
        "apply -f $DIR/one.json --applyset=set",
        "apply -f $DIR/one.json --prune --applyset=set --all",
        "apply -f $DIR/one.json --prune --applyset=set -l a=b",
        "apply -f $DIR/one.json --prune --applyset=set --prune-allowlist=core/v1/Pod",
        "apply -f $DIR/one.json --prune --applyset=secrets/",
        "apply -f $DIR/one.json --prune --applyset=pods/set",
        "apply -f $DIR/one.json --prune --applyset=configmaps/plain",
        "apply -f $DIR/two.json --prune --applyset=set",
      ]),
      { line: "apply -f $DIR/one.json --prune --applyset=set", env: { KUBECTL_APPLYSET: "true" } },
    ],
  },
  {
    name: "warnings as errors",
    files: { "a.json": unknownFields, "b.json": one },
    lines: [
      "apply -f $DIR/a.json --validate=warn",
      "apply -f $DIR/a.json --validate=warn --warnings-as-errors",
      "apply -f $DIR/b.json --warnings-as-errors",
      "replace -f $DIR/a.json --validate=warn --warnings-as-errors=false",
      "create -f $DIR/a.json --validate=warn --warnings-as-errors",
    ],
  },
  {
    name: "what the server warns of is told once",
    given: [definition],
    files: { "a.json": { apiVersion: "v1", kind: "List", items: [gizmo, { ...gizmo, metadata: { name: "h" } }] } },
    lines: [
      "wait --for=condition=Established crd/gizmos.$NS.example.com",
      "create -f $DIR/a.json",
      "get gizmos.$NS.example.com g",
      "get gizmos.$NS.example.com -o name --warnings-as-errors",
      "label gizmos.$NS.example.com g a=b",
      "delete gizmos.$NS.example.com g h --warnings-as-errors",
    ],
  },
  {
    name: "flags without effect on what is printed",
    given: [one],
    lines: [
      "get cm one -o name --disable-compression --log-flush-frequency=1s --vmodule=x=1 --profile=none",
      "get cm one -o name --match-server-version=false --profile-output=x",
      "get cm one -o name --profile=x",
      "get pods --request-timeout=x",
    ],
  },
  {
    name: "values that are none",
    given: [one],
    lines: [
      "get cm --chunk-size=x",
      "get cm --watch=maybe",
      "get cm -w=maybe",
      "get cm -v=x",
      "get cm -v",
      "get cm --no-headers=T -o custom-columns=N:.metadata.name -l x=y",
      "delete cm one --timeout=5",
      "delete cm one --timeout=5x",
      "delete cm one --timeout=x",
      "delete cm one --grace-period=99999999999999999999",
      "logs x --since=1ns",
      "create token default --duration=x",
      "get pods --token=wrong",
      "get cm,",
      "get cm -o custom-columns-file=$DIR/none",
      "create token default --dry-run",
      "create --edit configmap x",
      "rollout nonsense",
      "config nonsense",
    ],
  },
  {
    name: "whom to act as",
    since: 36,
    lines: [
      "auth whoami --as=jo --as-uid=7 --as-group=a --as-group=b --as-user-extra=k=v1 --as-user-extra=k=v2",
      "auth whoami --as-uid=7",
      "get cm --as=jo",
      "get cm --server=https://127.0.0.1:1 --request-timeout=1s",
    ],
  },
  {
    name: "small flags",
    since: 36,
    given: [one],
    files: { "a.json": one },
    lines: [
      "wait cm/one --local --for=delete",
      "get cm one --server-print=false",
      "api-resources --api-group=policy -o kyaml",
      "api-resources --api-group=policy -o x",
      "drain $NS --chunk-size=1",
      "top pod --show-swap --use-protocol-buffers=false",
    ],
  },
]);
