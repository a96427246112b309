import { configMap, deployment, pod } from "./_objects.ts";
import { transcripts } from "./_transcripts.ts";

const web = deployment("web", { replicas: 0 });
const patchData = `-p '{"data":{"a":"2"}}'`;

const yearly = {
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name: "yearly" },
  spec: {
    schedule: "0 0 1 1 *",
    suspend: true,
    jobTemplate: {
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "nginx:1" }] } } },
    },
  },
};

transcripts("scale, patch, replace and edit", [
  {
    given: [web],
    lines: ["scale deploy web --replicas=2", "scale deploy/web --replicas=2 -o name", "get deploy web -o yaml"],
  },
  {
    given: [web],
    lines: ["scale deploy web", "scale deploy web --replicas=-1", "scale --replicas=1", "scale deploy --replicas=1"],
  },
  {
    given: [web],
    lines: [
      "scale deploy web --replicas=1 --current-replicas=3",
      "scale deploy web --replicas=1 --current-replicas=0",
      "scale deploy web --replicas=1 --current-replicas=-2",
    ],
  },
  {
    since: 36,
    given: [web],
    lines: ["scale deploy none --replicas=1", "scale deploy web none --replicas=1", "scale cm x --replicas=1"],
  },
  {
    given: [web, deployment("two", { replicas: 0 })],
    lines: [
      "scale deploy web two --replicas=1",
      "scale deploy --all --replicas=0",
      "scale deploy -l app=web --replicas=2",
      "scale deploy/web deploy/two --replicas=0",
    ],
  },
  {
    since: 36,
    given: [web],
    lines: [
      "scale deploy web --replicas=1 --dry-run=client",
      "scale deploy web --replicas=1 --dry-run=server",
      "scale deploy web --replicas=1 -o yaml --dry-run=client",
      "scale deploy web --replicas=1 --resource-version=1",
    ],
  },
  { given: [configMap("one")], lines: ["scale cm one --replicas=1"] },
  {
    since: 36,
    given: [web],
    files: { "a.yaml": web },
    lines: ["scale -f $DIR/a.yaml --replicas=3", "scale -f $DIR/a.yaml --replicas=3 -o json --dry-run=client"],
  },

  {
    given: [configMap("one", { a: "1" })],
    lines: [`patch cm one ${patchData}`, `patch cm one ${patchData}`, `patch cm/one ${patchData} -o yaml`],
  },
  {
    given: [configMap("one", { a: "1" })],
    lines: [
      `patch cm one --type=merge ${patchData}`,
      `patch cm one --type json -p '[{"op":"replace","path":"/data/a","value":"3"}]'`,
      `patch cm one --type=json -p '[{"op":"remove","path":"/data/none"}]'`,
    ],
  },
  {
    given: [configMap("one")],
    lines: [
      "patch cm one",
      "patch cm one --type=odd -p '{}'",
      `patch cm none ${patchData}`,
      `patch cm one two ${patchData}`,
      `patch cm ${patchData}`,
      `patch ${patchData}`,
    ],
  },
  {
    given: [configMap("one")],
    lines: ["patch cm one -p 'data: {a: x}'", "patch cm one -p nothing", "patch cm one -p '[]'"],
  },
  {
    given: [configMap("one")],
    lines: [
      `patch cm one ${patchData} --dry-run=client`,
      `patch cm one ${patchData} --dry-run=server`,
      `patch cm one ${patchData} --dry-run=client -o json`,
      `patch cm one ${patchData} -o name`,
    ],
  },
  {
    given: [configMap("one")],
    files: { p: '{"data":{"x":"y"}}', "a.yaml": configMap("one") },
    lines: [
      "patch cm one --patch-file=$DIR/p",
      "patch cm one --patch-file=$DIR/none",
      `patch cm one --patch-file=$DIR/p ${patchData}`,
      `patch -f $DIR/a.yaml ${patchData}`,
      `patch -f $DIR/a.yaml --local ${patchData}`,
      `patch -f $DIR/a.yaml --local ${patchData} -o yaml`,
    ],
  },
  {
    given: [web],
    lines: [
      `patch deploy web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'`,
      `patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"nginx:2"}]}}}}'`,
      "get deploy web -o yaml",
    ],
  },
  // Of an object that nobody else writes to: the answer begins with who owns its fields, by the seconds of the writes.
  { given: [yearly], lines: [`patch cronjob yearly -p '{"spec":{"suspend":"x"}}'`] },
  {
    given: [pod("one")],
    lines: [
      `patch pod one -p '{"spec":{"containers":[{"name":"main","image":"x"},{"name":"two","image":"y"}]}}'`,
      `patch po/one --type=merge -p '{"metadata":{"labels":{"a":"b"}}}'`,
    ],
  },

  {
    given: [configMap("one")],
    lines: [
      { line: "replace -f -", input: configMap("one", { new: "1" }) },
      { line: "replace -f - -o yaml", input: configMap("one", { new: "2" }) },
      { line: "replace -f - --dry-run=client", input: configMap("one") },
      { line: "replace -f - --dry-run=server -o name", input: configMap("one") },
    ],
  },
  {
    lines: [
      { line: "replace -f -", input: configMap("none") },
      "replace",
      "replace -f x --grace-period=1",
      "replace -f x --timeout=1s",
      "replace -f x --force --dry-run=client",
    ],
  },
  {
    given: [configMap("one")],
    lines: [
      { line: "replace --force -f -", input: configMap("one", { a: "b" }) },
      { line: "replace --force -f -", input: configMap("two", { a: "b" }) },
      { line: "replace --force --wait --timeout=9s -f -", input: configMap("two", { a: "c" }) },
    ],
  },
  {
    given: [configMap("one")],
    lines: [
      { line: "replace -f -", input: configMap("one", {}, { resourceVersion: "1" }) },
      { line: "replace -f - --save-config -o yaml", input: configMap("one") },
    ],
  },
  {
    given: [configMap("one"), configMap("two")],
    files: {
      "a.yaml": configMap("one", { x: "1" }),
      "b.yaml": configMap("none"),
      "c.yaml": configMap("two", { x: "1" }),
    },
    lines: ["replace -f $DIR", "get cm -o yaml"],
  },

  {
    given: [configMap("one", { mood: "calm" })],
    lines: [{ line: "edit cm one", env: { KUBE_EDITOR: "sed -i -e s/calm/glad/" } }, "get cm one -o yaml"],
  },
  {
    name: "scale --timeout of what cannot get there",
    since: 36,
    given: [
      {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "one" },
        spec: {
          serviceName: "x",
          selector: { matchLabels: { app: "one" } },
          template: {
            metadata: { labels: { app: "one" } },
            spec: { schedulerName: "nobody", containers: [{ name: "main", image: "nginx:1" }] },
          },
        },
      },
    ],
    lines: ["scale sts one --replicas=3 --timeout=1s"],
  },
  {
    name: "edit leaves the note of what was applied",
    lines: [
      { line: "apply -f -", input: configMap("one", { mood: "calm" }) },
      { line: "edit cm one", env: { KUBE_EDITOR: "sed -i -e s/mood:.calm/mood:\\ glad/" } },
      "get cm one -o jsonpath={.data}{.metadata.annotations}",
    ],
  },
  {
    given: [configMap("one", { mood: "calm" })],
    lines: [
      { line: "edit cm/one", env: { KUBE_EDITOR: "true" } },
      { line: "edit cm/one", env: { KUBE_EDITOR: "false" } },
      { line: "edit cm/one --windows-line-endings", env: { KUBE_EDITOR: "grep -c v1.$" } },
      { line: "edit cm none", env: { KUBE_EDITOR: "true" } },
      { line: "edit cm/one", env: { KUBE_EDITOR: "truncate -s0" } },
    ],
  },
  {
    given: [configMap("one", { mood: "calm" }), configMap("two")],
    lines: [
      { line: "edit cm one two", env: { KUBE_EDITOR: "sed -i -e s/calm/glad/" } },
      { line: "edit cm one -o json", env: { KUBE_EDITOR: "sed -i -e s/glad/sad/" } },
      { line: "edit cm one --output-patch", env: { KUBE_EDITOR: "sed -i -e s/sad/mad/" } },
    ],
  },
  {
    given: [configMap("one", { mood: "calm" })],
    lines: [{ line: "edit cm one", env: { KUBE_EDITOR: "sed -i -e s/name:.one/name:\\ other/" } }],
  },
  {
    lines: [
      {
        line: "create --edit -f -",
        input: configMap("one", { mood: "calm" }),
        env: { KUBE_EDITOR: "sed -i -e s/calm/glad/" },
      },
    ],
  },
]);
