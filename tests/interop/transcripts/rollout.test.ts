import { configMap, deployment, pod, service } from "./_objects.ts";
import { transcripts } from "./_transcripts.ts";

const web = deployment("web", { replicas: 0 });
const daemons = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "agent" },
  spec: {
    selector: { matchLabels: { app: "agent" } },
    template: { metadata: { labels: { app: "agent" } }, spec: { containers: [{ name: "main", image: "x:1" }] } },
  },
};
const ports = deployment("two", {
  replicas: 0,
  spec: {
    selector: { matchLabels: { app: "two" } },
    template: {
      metadata: { labels: { app: "two" } },
      spec: {
        containers: [
          { name: "main", image: "x", ports: [{ containerPort: 80 }, { containerPort: 53, protocol: "UDP" }] },
        ],
      },
    },
  },
});

const stateful = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "store" },
  spec: {
    replicas: 0,
    serviceName: "store",
    selector: { matchLabels: { app: "store" } },
    template: { metadata: { labels: { app: "store" } }, spec: { containers: [{ name: "main", image: "x:1" }] } },
  },
};

const observed = (workload: string, generation: number) =>
  `wait ${workload} --for=jsonpath='{.status.observedGeneration}'=${generation} --timeout=120s`;

transcripts("rollout, wait, expose and autoscale", [
  {
    given: [web],
    lines: [
      observed("deploy/web", 1),
      "rollout status deploy/web",
      "rollout pause deploy/web",
      "rollout pause deploy web",
      "rollout restart deploy/web",
      "rollout resume deploy/web",
      "rollout resume deploy web",
      "rollout restart deploy/web",
    ],
  },
  {
    given: [web],
    lines: [
      "rollout status",
      "rollout history",
      "rollout undo",
      "rollout restart",
      "rollout status deploy none",
      "rollout history deploy none",
      "rollout undo deploy none",
      "rollout restart deploy none",
    ],
  },
  ...(
    [
      ["ds/agent", daemons],
      ["sts/store", stateful],
    ] as const
  ).map(([name, object]) => ({
    name: `the history of ${name}`,
    given: [object],
    lines: [
      observed(name, 1),
      `rollout undo ${name}`,
      `annotate ${name} kubernetes.io/change-cause=second`,
      `set image ${name} main=x:2`,
      observed(name, 2),
      `rollout history ${name}`,
      `rollout history ${name} --revision=1`,
      `rollout history ${name} --revision=7`,
      `rollout undo ${name} --to-revision=7`,
      `rollout undo ${name} --dry-run=client`,
      `rollout undo ${name} --dry-run=server`,
      `rollout undo ${name}`,
      `get ${name} -o jsonpath={.spec.template.spec.containers[0].image}`,
      observed(name, 3),
      `rollout history ${name}`,
      `rollout undo ${name} --to-revision=3`,
      `rollout undo ${name} --to-revision=2`,
      `get ${name} -o jsonpath={.spec.template.spec.containers[0].image}`,
    ],
  })),
  {
    name: "what a change was for does not come into the template by a rollback",
    given: [deployment("noted", { replicas: 0 })],
    lines: [
      observed("deploy/noted", 1),
      "annotate deploy/noted kubernetes.io/change-cause=second",
      "set image deploy/noted main=x:2",
      observed("deploy/noted", 2),
      "rollout undo deploy/noted",
      "get deploy noted -o jsonpath={.spec.template.metadata}",
      observed("deploy/noted", 3),
      "rollout history deploy/noted",
      "rollout history deploy/noted --revision=2",
    ],
  },
  {
    given: [configMap("one")],
    lines: [
      "rollout status cm/one",
      "rollout history cm/one",
      "rollout undo cm/one",
      "rollout restart cm/one",
      "rollout pause cm/one",
      "rollout resume cm/one",
      "rollout status deploy",
      "rollout restart deploy",
    ],
  },
  {
    given: [web],
    lines: [
      observed("deploy/web", 1),
      "rollout status deploy/web",
      "rollout undo deploy/web",
      "rollout history deploy/web",
      "rollout history deploy/web --revision=1",
      "rollout history deploy/web --revision=7",
      "rollout undo deploy/web --to-revision=7",
      "rollout history deploy/web --revision=-1",
    ],
  },
  {
    given: [web],
    lines: [
      observed("deploy/web", 1),
      "rollout status deploy/web",
      `patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"nginx:2"}]}}}}'`,
      observed("deploy/web", 2),
      "rollout status deploy/web --revision=2",
      "rollout history deploy web",
      "rollout undo deploy web",
      observed("deploy/web", 3),
      "rollout status deploy web --timeout=120s",
      "rollout status deploy web --revision=9",
    ],
  },
  {
    given: [daemons],
    lines: [
      observed("ds/agent", 1),
      "rollout status ds/agent --timeout=120s",
      "rollout restart ds/agent",
      "rollout pause ds/agent",
      observed("ds/agent", 2),
      "rollout status ds/agent --timeout=120s",
    ],
  },
  {
    given: [web],
    lines: [
      "rollout restart deploy -l app=web",
      observed("deploy/web", 2),
      "rollout status deploy -l app=web",
      "rollout restart deploy -l none=1",
    ],
  },

  {
    given: [pod("one")],
    lines: [
      "wait pod/one --for=jsonpath={.metadata.name}=one",
      "wait pod one --for=jsonpath='{.spec.containers[0].name}'=main",
      "wait pod/one --for=create",
      "wait pod/none --for=delete",
    ],
  },
  {
    name: "wait for what files name",
    given: [configMap("one")],
    files: { one: configMap("one", { colour: "red" }), two: configMap("two") },
    lines: [
      "wait --for=create -f $DIR/one -o jsonpath={.data}",
      "wait --for=jsonpath={.data.colour}=blue -f $DIR/one",
      "wait --for=jsonpath={.data.colour}=blue -f $DIR/two",
      "wait --for=delete -f $DIR/two",
    ],
  },
  {
    given: [pod("one")],
    lines: [
      "wait pod/none --for=condition=Ready",
      "wait --for=condition=Ready",
      "wait pod --for=condition=Ready",
      "wait pod/one --for=odd",
      "wait cm -l none=1 --for=delete",
    ],
  },
  {
    given: [pod("one")],
    lines: [
      "wait pod/one --for=condition=Ready --timeout=0",
      "wait pod/one --for=delete --timeout=0",
      "wait pod/one --for=jsonpath='{.metadata.name}' --timeout=0s",
      "wait pod/one --for=jsonpath='{.metadata}'=x --timeout=120s",
      "wait pod -l none --for=condition=Ready",
    ],
  },
  {
    given: [web],
    lines: [
      "wait deploy/web --for=condition=Available --timeout=120s",
      "wait deploy/web --for condition=available=true -o name",
      "wait deploy web --for=condition=Available=False --timeout=0",
    ],
  },

  {
    given: [web],
    lines: [
      "expose deploy web --port=80 --target-port=8080",
      "expose deploy web --port=80",
      "expose deploy web --port=80 --name=other --type=NodePort -l a=b",
      "expose deploy/web",
    ],
  },
  {
    given: [ports],
    since: 34,
    lines: [
      "expose deploy two -o json --dry-run=client",
      "expose deploy two --port=80 -o yaml --dry-run=client -n $NS",
      "expose deploy two --cluster-ip=None --name=x --save-config -o jsonpath={.metadata.annotations}",
      "expose deploy two --protocol=TCP --name=y --dry-run=server",
    ],
  },
  {
    given: [configMap("one"), pod("bare"), pod("labelled", { labels: { a: "b" } }), service("svc")],
    lines: [
      "expose cm one --port=1",
      "expose pod bare --port=1",
      "expose pod labelled --port=1 -o yaml --dry-run=client",
      "expose svc svc --name=again -o yaml --dry-run=client",
      "expose pod none --port=1",
      "expose",
    ],
  },
  {
    given: [web],
    lines: [
      "expose deploy web --port=80 --selector=x",
      "expose deploy web --port=x",
      "expose deploy web --port=80 --session-affinity=odd",
      "expose deploy web --port=80,81 -o yaml --dry-run=client --session-affinity=ClientIP",
      'expose deploy web --port=80 --overrides=\'{"spec":{"type":"NodePort"}}\' -o yaml --dry-run=client',
    ],
  },

  {
    since: 34,
    given: [web],
    lines: [
      "autoscale deploy web --max=5",
      "autoscale deploy web --min=2 --max=5 --cpu=70% --name=other",
      "autoscale deploy web",
    ],
  },
  {
    since: 34,
    given: [web],
    lines: [
      "autoscale deploy web --max=0",
      "autoscale deploy web --max=1 --min=2",
      "autoscale deploy web --max=5 --cpu=x",
      "autoscale deploy none --max=5",
      "autoscale deploy web --max=5 --cpu=500m --memory=200 -o json --dry-run=client",
      "autoscale deploy web --max=5 --dry-run=server",
    ],
  },
  { since: 34, given: [configMap("one")], lines: ["autoscale cm one --max=5", "autoscale --max=5"] },
]);
