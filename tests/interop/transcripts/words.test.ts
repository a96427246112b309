import { configMap, deployment } from "./_objects.ts";
import { transcripts } from "./_transcripts.ts";

const one = configMap("one", {}, { labels: { a: "1" } });
const two = configMap("two");

transcripts("words and files", [
  {
    name: "diff ends with more than 1 when it is used wrongly",
    lines: ["diff --nonsense", "diff -f", "diff -x", "diff --concurrency=x -f a", "diff --prune=maybe -f a", "diff a"],
  },
  {
    name: "--cascade takes what it once did",
    since: 36,
    given: [one, two, deployment("web", { replicas: 0 })],
    files: { "one.json": one },
    lines: [
      "delete cm one --cascade=true",
      "delete cm two --cascade=false",
      "replace --force -f $DIR/one.json --cascade=T",
      "delete deploy web --cascade",
      "delete cm one --cascade=",
    ],
  },
  {
    name: "a pattern stands for the files that it matches",
    since: 36,
    files: {
      "d/a.yaml": configMap("a"),
      "d/b.yaml": configMap("b"),
      "d/c.json": configMap("c"),
      "d/[x].yaml": configMap("x"),
    },
    lines: [
      "apply -f '$DIR/d/?.yaml'",
      "apply -f '$DIR/d/[a-b].yaml' -f $DIR/d/c.json",
      "apply -f '$DIR/*/c*'",
      "apply -f '$DIR/d/[x].yaml'",
      "apply -f '$DIR/d/\\[*.yaml'",
      "get -f '$DIR/d/[^a-b].*' -o name",
      "get -f '$DIR/d/*.txt'",
      "get -f '$DIR/d/[a'",
      "delete -f '$DIR/*'",
    ],
  },
  {
    name: "words behind -- are words",
    since: 36,
    given: [one, two],
    lines: [
      "get cm one -- two",
      "get -- cm one",
      "describe cm -- one",
      "label cm one -- b=2",
      "annotate cm -- one b-",
      "patch cm -p {} -- one",
      "get cm -- -o name",
      "scale --replicas=2 -- deploy web",
      "explain -- pods.spec.nodeName",
      "auth can-i -- get pods",
      "rollout status -- deploy/web",
      "wait --for=delete -- cm/none",
      "top -- pod",
      "set image -- deploy/web a=b",
      "drain -- none",
      "logs -- none",
      "cp -- a b",
      "api-versions -- x",
      "apply -- x",
      "delete -- cm one two",
    ],
  },
  {
    name: "what is behind -- is no name for create",
    lines: [
      "create cm -- x",
      "create cm x -- y",
      "create ns -- x",
      "create token -- default",
      "create job j --image=x -- -c date",
      "create deployment d --image=x -- sh",
    ],
  },
  {
    name: "some verbs take words for nothing",
    lines: [
      "auth whoami x",
      "config current-context x",
      "config get-clusters x",
      "config get-users x",
      "config view x",
      "config get-contexts a b",
      "cluster-info x",
      "events x",
    ],
  },
]);
