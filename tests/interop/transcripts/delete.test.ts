import { configMap, deployment, node, pod } from "./_objects.ts";
import { transcripts } from "./_transcripts.ts";

const one = configMap("one", {}, { labels: { a: "1" } });
const two = configMap("two");

transcripts("delete", [
  { given: [one], lines: ["delete cm one", "get cm one", "delete cm one", "delete cm one --ignore-not-found"] },
  { given: [one, two], lines: ["delete cm/one cm/two", "get cm -o name"] },
  { given: [one], lines: ["delete cm one none", "delete cm none nix"] },
  { given: [one, two], lines: ["delete cm -l a=1", "delete cm -l a=1", "delete cm -l none"] },
  {
    given: [one, two],
    lines: ["delete cm --field-selector metadata.name=two", "delete cm --all -o name", "delete pods --all"],
  },
  {
    given: [one],
    lines: [
      "delete",
      "delete cm",
      "delete gizmo one",
      "delete cm one --all",
      "delete cm/one --all",
      "delete cm/one two",
      "delete cm --all -l a",
    ],
  },
  {
    given: [one],
    lines: [
      "delete cm one --dry-run=client",
      "delete cm one --dry-run=server",
      "delete cm one -o name --dry-run=client",
      "delete cm one -o yaml",
      "delete cm one --cascade=odd",
    ],
  },
  {
    given: [one],
    lines: [
      "delete cm one --now --grace-period=3",
      "delete cm one --force --grace-period=3",
      "delete cm one --force",
      "delete cm one --wait=false --ignore-not-found",
    ],
  },
  {
    given: [pod("one"), pod("two"), pod("three")],
    lines: ["delete pod one --grace-period=0 --force", "delete pod two --now", "delete po/three --grace-period=0"],
  },
  {
    given: [one, two],
    files: { "a.yaml": one, "b.yaml": two },
    lines: [
      "delete -f $DIR",
      "delete -f $DIR",
      "delete -f $DIR/a.yaml",
      "delete -f $DIR/a.yaml --ignore-not-found",
      "delete -f $DIR/none",
    ],
  },
  {
    given: [one],
    lines: [
      { line: "delete -f -", input: one },
      { line: "delete -f -", input: "a: b\n" },
      { line: "delete -f - cm", input: one },
      { line: "delete -f - cm one", input: one },
      { line: "delete -f - cm/one", input: one },
    ],
  },
  {
    since: 36,
    given: [one, two],
    lines: [
      { line: "delete cm one two -i", input: "n\n" },
      { line: "delete cm one two -i", input: "y\n" },
      { line: "delete cm --all -l x -i", input: "y\n" },
      { line: "delete cm -l none -i", input: "y\n" },
    ],
  },
  {
    given: [deployment("web", { replicas: 0 })],
    lines: ["delete deploy web --cascade=orphan", "delete deployment.apps web"],
  },
  { given: [node("$NS-n")], lines: ["delete node $NS-n -n $NS", "delete node $NS-n"] },
  {
    given: [one],
    lines: [
      "delete --raw /api/v1/namespaces/$NS/configmaps/none",
      "delete --raw x",
      "delete --raw /x -i",
      "delete cm one -A",
      "delete cm -A -l $NS",
    ],
  },
  {
    given: [one, pod("one", { labels: { a: "1" } })],
    lines: ["delete cm,pod one --now", "delete cm,pods -l a=1 --now"],
  },
  {
    given: [configMap("one", {}, { finalizers: ["example.com/stays"] })],
    lines: [
      "delete cm one --wait=false",
      'patch cm one --type=json -p \'[{"op":"remove","path":"/metadata/finalizers"}]\'',
    ],
  },
  { lines: ["delete ns $NS-none", "delete cm one -n $NS-none", "delete cm '' ", "delete cm a/b"] },
]);
