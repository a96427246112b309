import { transcripts } from "./_transcripts.ts";

const stay = "trap 'exit 0' TERM; while :; do sleep 60 & wait $!; done";
const shell = (name: string, script: string) => ({
  name,
  image: "shell:1",
  command: ["sh", "-c", `${script}; ${stay}`],
});
const pod = (name: string, ...containers: readonly object[]) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name } },
  spec: { containers, terminationGracePeriodSeconds: 1 },
});
const web = pod("web", shell("main", "echo one; echo two"), shell("side", "echo side"));
const one = pod("one", shell("main", "echo one; echo two"));
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [shell("main", "echo one")] } },
  },
};
const ready = "wait pod --all --for=condition=Ready --timeout=60s";

transcripts(
  "streams",
  [
    {
      given: [web],
      lines: [
        ready,
        { line: "logs web", until: /two/ },
        "logs web main --tail=1",
        { line: "logs web -c side --prefix", until: /side\n/ },
        "logs pod/web side",
      ],
    },
    {
      given: [web],
      lines: [
        ready,
        { line: "logs -l app=web -c side", until: /side/ },
        "logs -l app=none",
        // kubectl takes them in an order that is not always theirs.
        { line: "logs web --all-containers --prefix", until: /main\] one\n.*two\n.*side\n/ },
      ],
    },
    {
      given: [one],
      lines: [
        ready,
        { line: "logs one", until: /two/ },
        "logs one --limit-bytes=3",
        "logs one -p",
        "logs one --since=1h",
      ],
    },
    {
      given: [deployment],
      lines: [
        "rollout status deploy/web --timeout=60s",
        { line: "logs deploy/web", until: /one/ },
        "logs deploy/web --all-pods",
      ],
    },
    {
      given: [web],
      lines: ["logs", "logs web x y", "logs web -l app=web", "logs web main --all-containers", "logs web -c x side"],
    },
    { given: [web], lines: ["logs web -c x", "logs web --tail=-5 -c main", "logs web --limit-bytes=-1", "logs nope"] },
    {
      given: [web],
      lines: [
        "logs web --since=1s --since-time=2020-01-01T00:00:00Z",
        "logs web --since=x",
        "logs web --since-time=foo",
      ],
    },
    { given: [web], lines: [ready, "logs web -f --max-log-requests=1 --all-containers", "logs cm/kube-root-ca.crt"] },
    { given: [one], lines: [ready, "exec one -- sh -c 'echo out; echo err >&2; exit 3'", "exec one -- true"] },
    {
      given: [one],
      lines: [ready, { line: "exec -i one -- cat", input: "hello\n" }, { line: "exec -it one -- cat", input: "hi" }],
    },
    {
      given: [web],
      lines: [ready, "exec web -- echo hi", "exec web -q -- echo hi", "exec pod/web -c side -- echo hi"],
    },
    { given: [deployment], lines: ["rollout status deploy/web --timeout=60s", "exec deploy/web -- echo hi"] },
    {
      given: [one],
      lines: ["exec", "exec one", "exec one ls", "exec nope -- ls", "exec one -c x -- ls", "exec deploy/x -- ls"],
    },
    { given: [one], lines: ["exec cm/kube-root-ca.crt -- ls", "exec one --pod-running-timeout=0s -- ls"] },
    { given: [one], lines: [ready, "exec one -- no-such-program"] },
    {
      name: "exec by somebody who may only see the pod",
      given: [one],
      lines: [
        "create role reader --verb=get --resource=pods",
        "create rolebinding readers --role=reader --user=bob",
        "exec one --as=bob -- true",
      ],
    },
    {
      given: [one],
      lines: [
        "attach",
        "attach a b c",
        "attach one --pod-running-timeout=0s",
        "attach nope",
        "attach cm/kube-root-ca.crt",
      ],
    },
    { given: [web], lines: [ready, "attach web -c x"] },
    {
      given: [one],
      lines: [
        ready,
        "port-forward",
        "port-forward one",
        "port-forward one 0",
        "port-forward one nope",
        "port-forward one a:b",
      ],
    },
    {
      given: [one],
      lines: [
        ready,
        "port-forward one 80 --address=foo",
        "port-forward nope 80",
        "port-forward cm/kube-root-ca.crt 80",
      ],
    },
    { given: [one], lines: [ready, "port-forward one 99999:80", "port-forward one :80 --address=203.0.113.1"] },
    {
      name: "cp both ways",
      given: [one],
      files: { "a.txt": "hello\n", "d/b.txt": "in a folder\n", "d/e/c.txt": "deeper\n" },
      lines: [
        ready,
        "cp $DIR/a.txt one:$DIR/copy.txt",
        "cp $DIR/a.txt $NS/one:$DIR/d/e -c main",
        "cp --no-preserve $DIR/d one:$DIR/up",
        "exec one -- cat $DIR/copy.txt $DIR/d/e/a.txt $DIR/up/b.txt $DIR/up/e/c.txt",
        "cp one:$DIR/d $DIR/down",
        "cp $NS/one:$DIR/a.txt $DIR/down.txt --retries=2",
        "exec one -- cat $DIR/down.txt $DIR/down/b.txt $DIR/down/e/c.txt",
      ],
    },
    {
      name: "cp of one of several containers",
      given: [web],
      files: { "a.txt": "hello\n" },
      lines: [ready, "cp $DIR/a.txt web:$DIR/b.txt", "cp web:$DIR/a.txt $DIR/c.txt", "cp $DIR/a.txt web:/tmp -c x"],
    },
    {
      name: "cp of what is not there",
      given: [one],
      files: { "a.txt": "hello\n" },
      lines: [
        ready,
        "cp $DIR/none one:/tmp",
        "cp $DIR/a.txt nope:/tmp",
        "cp nope:/tmp $DIR/a.txt",
        "cp $DIR/a.txt one:$DIR/none/a/b",
      ],
    },
    {
      lines: ["cp", "cp a", "cp a b c", "cp a b", "cp x:a y:b", "cp :a b", "cp a/b/c:d e", "cp x: b"],
    },
  ],
  { runtime: "process", nodes: 1 },
);
