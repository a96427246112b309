import { configMap, deployment, service } from "./_objects.ts";
import { transcripts } from "./_transcripts.ts";

const web = deployment("web", { replicas: 0 });
const one = configMap("one", { a: "1", b: "2" });
const other = configMap("one", { a: "3" });

const fixed = (data: Readonly<Record<string, string>>, metadata: object = {}) => ({
  ...configMap("fixed", data, metadata),
  immutable: true,
});

const broken = {
  "a/1.json": one,
  "a/2.json": { apiVersion: "v1", metadata: { name: "kindless" } },
  "a/3.json": { apiVersion: "v1", kind: "Nope", metadata: { name: "nope" } },
  "a/4.json": configMap("two"),
};

transcripts("apply, diff", [
  {
    files: { a: one, b: other },
    lines: ["apply -f $DIR/a", "apply -f $DIR/a", "apply -f $DIR/b", "get cm one -o yaml"],
  },
  { given: [one], files: { a: other }, lines: ["apply -f $DIR/a", "apply -f $DIR/a", "apply -f $DIR/a -o yaml"] },
  {
    name: "apply --overwrite=false changes nothing that was applied",
    since: 36,
    given: [configMap("given", { a: "1" })],
    files: {
      a: one,
      b: other,
      given: configMap("given", { b: "2" }),
    },
    lines: [
      "apply -f $DIR/a --overwrite=false",
      "apply -f $DIR/a --overwrite=false",
      "apply -f $DIR/b --overwrite=false",
      "apply -f $DIR/given --overwrite=false",
      "apply -f $DIR/given --overwrite=false -o yaml",
      "apply -f $DIR/b --server-side --overwrite=false --force-conflicts",
    ],
  },
  {
    lines: [
      "apply",
      "apply x",
      "apply -f $NS-none",
      "apply -f x --force-conflicts",
      "apply -f x --server-side --dry-run=client",
      "apply -f x --prune",
      "apply -f x --force --server-side",
    ],
  },
  {
    files: { a: one },
    lines: [
      "apply -f $DIR/a --dry-run=client",
      "apply -f $DIR/a --dry-run=server",
      "apply -f $DIR/a -o name",
      "apply -f $DIR/a --dry-run=server",
      "apply -f $DIR/a --dry-run=client -o yaml",
      "apply -f $DIR/a --subresource=status",
    ],
  },
  {
    files: { "a.yaml": one, "b.yaml": web, "c.yaml": service("web") },
    lines: ["apply -f $DIR", "apply -f $DIR", "apply -f $DIR -o name", "delete -f $DIR"],
  },
  {
    lines: [
      { line: "apply -f -", input: web },
      { line: "apply -f -", input: deployment("web", { replicas: 0, metadata: { annotations: { x: "y" } } }) },
      { line: "apply -f -", input: deployment("web", { spec: { selector: { matchLabels: { x: "y" } } } }) },
    ],
  },
  {
    lines: [
      { line: "apply -f -", input: configMap("Bad_Name") },
      { line: "apply -f -", input: { ...one, colour: 1 } },
      { line: "apply -f -", input: { ...one, kind: "Gizmo" } },
      { line: "apply -f -", input: "a: b" },
      { line: "apply -f -", input: "" },
    ],
  },
  {
    lines: [
      { line: "apply -f -", input: { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "x-" } } },
      { line: "apply -f - --validate=false", input: { ...one, colour: 1 } },
    ],
  },
  {
    files: { "a.yaml": one, "b.yaml": configMap("Two"), "c.yaml": configMap("three") },
    lines: ["apply -f $DIR", "get cm -o name"],
  },
  {
    files: { "a.yaml": configMap("a", {}, { labels: { x: "y" } }), "b.yaml": configMap("b") },
    lines: ["apply -f $DIR -l x=y", "apply -f $DIR -l none=1"],
  },
  {
    files: { a: one },
    lines: [
      "apply --server-side -f $DIR/a",
      "apply --server-side -f $DIR/a",
      "apply --server-side -f $DIR/a -o name",
      "apply --server-side --dry-run=server -f $DIR/a",
    ],
  },
  {
    given: [one],
    files: { a: other },
    lines: [
      "apply --server-side -f $DIR/a",
      "apply --server-side --force-conflicts -f $DIR/a",
      "apply --server-side --field-manager=other -f $DIR/a",
    ],
  },
  {
    files: { a: one },
    lines: [
      "apply -f $DIR/a",
      "apply view-last-applied cm one",
      "apply view-last-applied cm/one -o json",
      "apply view-last-applied -f $DIR/a",
      "apply view-last-applied cm none",
      "apply view-last-applied cm/none cm/neither",
      "apply view-last-applied cm one -o odd",
    ],
  },
  {
    given: [one],
    files: { a: other, "both/a.json": other, "both/b.json": configMap("two") },
    lines: [
      "apply set-last-applied -f $DIR/both",
      "apply set-last-applied -f $DIR/a",
      "apply set-last-applied -f $DIR/a --create-annotation",
      "apply set-last-applied -f $DIR/a",
      "apply view-last-applied cm one",
      "apply set-last-applied -f $DIR/a --create-annotation --dry-run=client",
    ],
  },
  {
    given: [one],
    lines: ["apply view-last-applied cm one", { line: "apply edit-last-applied cm one", env: { KUBE_EDITOR: "true" } }],
  },
  {
    files: { a: one },
    lines: [
      "apply -f $DIR/a",
      { line: "apply edit-last-applied cm/one", env: { KUBE_EDITOR: "sed -i -e s/b:./z:/" } },
      "apply view-last-applied cm one",
    ],
  },
  {
    files: {
      "a.yaml": configMap("a", {}, { labels: { x: "y" } }),
      "b/b.yaml": configMap("b", {}, { labels: { x: "y" } }),
    },
    lines: [
      "apply -f $DIR -R",
      "apply -f $DIR --prune -l x=y --prune-allowlist=core/v1/ConfigMap",
      "apply -f $DIR --prune -l x=y --prune-allowlist=odd",
      "get cm -l x=y -o name",
    ],
  },
  {
    files: { "a.yaml": web },
    lines: [
      "apply -f $DIR/a.yaml",
      "scale deploy web --replicas=2",
      "apply -f $DIR/a.yaml",
      "apply --force -f $DIR/a.yaml",
    ],
  },
  {
    name: "apply --force gives up when the old object stays",
    given: [fixed({ a: "1" }, { finalizers: ["example.com/stays"] })],
    files: { "a.yaml": fixed({ a: "2" }) },
    lines: [
      "apply --force --timeout=1s --overwrite=true -f $DIR/a.yaml",
      'patch cm fixed --type=json -p \'[{"op":"remove","path":"/metadata/finalizers"}]\'',
      "apply --force --timeout=9s --wait -f $DIR/a.yaml",
      "apply --force -f $DIR/a.yaml",
      "get cm fixed -o jsonpath={.data}",
    ],
  },
  {
    name: "-k shows what kustomize warns of",
    files: { "kustomization.yaml": { commonLabels: { a: "b" }, resources: ["a.yaml"] }, "a.yaml": one },
    lines: ["kustomize $DIR", "get -k $DIR"],
  },
  {
    name: "-k applies what a kustomization makes",
    files: { "kustomization.yaml": { namePrefix: "my-", resources: ["a.yaml"] }, "a.yaml": one },
    lines: ["apply -k $DIR", "diff -k $DIR", "get cm my-one -o jsonpath={.data}", "delete -k $DIR"],
  },
  {
    name: "diff looks at several at once",
    given: [one, configMap("two")],
    files: { a: other, b: configMap("two", { b: "3" }), c: configMap("three") },
    lines: [
      "diff --concurrency=3 -f $DIR/a -f $DIR/b -f $DIR/c",
      {
        line: "diff --concurrency=2 -f - -f $DIR/a",
        input: { apiVersion: "v1", kind: "Gizmo", metadata: { name: "x" } },
      },
    ],
  },
  {
    files: { a: one, b: other },
    lines: ["diff -f $DIR/a", "apply -f $DIR/a", "diff -f $DIR/a", "diff -f $DIR/b", "diff --server-side -f $DIR/b"],
  },
  ...["apply", "create", "get", "describe", "delete", "label x=y", "diff"].map((verb) => ({
    name: `${verb} with files of which some are wrong`,
    files: broken,
    given: verb === "create" || verb === "apply" ? [] : [one, configMap("two")],
    lines: [`${verb} -f $DIR/a`],
  })),
  {
    name: "server-side apply keeps the note of client-side apply",
    files: { a: one, b: other },
    lines: [
      "apply -f $DIR/a",
      "apply -f $DIR/b --server-side",
      "apply view-last-applied cm one",
      // Their order is that of seconds.
      ...["kubectl", "kubectl-last-applied"].map(
        (manager) => `get cm one -o jsonpath='{.metadata.managedFields[?(@.manager=="${manager}")].fieldsV1}'`,
      ),
      "apply -f $DIR/a",
    ],
  },
  { lines: [{ line: "apply -f -", input: { apiVersion: "v1", kind: "ConfigMap", metadata: {} } }] },
  {
    lines: [
      "diff",
      "diff x",
      "diff -f $NS-none",
      "diff -f x --force-conflicts",
      { line: "diff -f -", input: configMap("Bad_Name") },
    ],
  },
  {
    given: [{ apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { a: "1", b: "2" } }],
    lines: [
      {
        line: "diff -f -",
        input: { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { a: "3" } },
      },
    ],
  },
  {
    files: { a: one },
    lines: [
      { line: "diff -f $DIR/a", env: { KUBECTL_EXTERNAL_DIFF: "true" } },
      { line: "diff -f $DIR/a", env: { KUBECTL_EXTERNAL_DIFF: "no-such-program" } },
    ],
  },
]);
