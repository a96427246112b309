import { transcripts } from "./_transcripts.ts";

const dry = "--dry-run=client";

transcripts(
  "run",
  [
    {
      lines: [
        `run a --image=x --restart=Never ${dry} -o yaml`,
        `run a --image=x ${dry}`,
        `run a --image=x ${dry} -o name`,
      ],
    },
    { lines: [`run p --image=x --env=A=b --labels=a=b,c=d ${dry} -o json --command -- a b`] },
    {
      lines: [
        `run p --image=x --port=5 --image-pull-policy=Never --privileged --annotations=x=y ${dry} -o json -- a b`,
        `run p --image=x --overrides='{"apiVersion":"v1","spec":{"nodeName":"n"}}' ${dry} -o json`,
      ],
    },
    {
      name: "run with overrides",
      since: 34,
      lines: [
        `run p --image=x --overrides='[{"op":"add","path":"/spec/nodeName","value":"n"}]' --override-type=json ${dry} -o yaml`,
        `run p --image=x --overrides='{"spec":{"containers":[{"name":"p","tty":true},{"name":"q","image":"y"}]}}' --override-type=strategic ${dry} -o yaml`,
        `run p --image=x --overrides='{"spec":{"containers":[{"name":"q","image":"y"}]}}' --override-type=merge ${dry} -o yaml`,
        `run p --image=x --overrides='{' ${dry}`,
        `run p --image=x --overrides={} --override-type=x ${dry}`,
      ],
    },
    {
      name: "run with flags of delete and apply",
      since: 34,
      lines: [
        "run p --image=x --cascade=x",
        "run p --image=x --save-config --grace-period=3 --timeout=1s --wait --force --cascade=orphan",
        "get pod p -o jsonpath='{.metadata.annotations}'",
        `run q --image=x --save-config ${dry} -o yaml`,
        "run q --image=x --expose --port=80 --labels=a=b --save-config -o name",
        "get svc q -o jsonpath='{.metadata.annotations}'",
      ],
    },
    {
      lines: [
        "run",
        "run c",
        "run c --image=",
        "run --image=x",
        "run c --image='A B'",
        "run c --image=x --env=1A=1",
        "run c --image=x --image-pull-policy=x",
      ],
    },
    {
      lines: [
        "run c --image=x --rm",
        "run c --image=x --restart=foo",
        "run c --image=x --expose",
        "run c --image=x -t",
      ],
    },
    { lines: [`run c --image=x -i ${dry}`, `run c --image=x --env=c ${dry}`] },
    {
      lines: ["run c --image=x --dry-run=server", "run c d --image=x -o name", "run c --image=x", "delete pod c --now"],
    },
    {
      lines: ["run UPPER --image=x", "run b --image=x --expose --port=80"],
    },
    {
      lines: [
        {
          line: "run att --image=shell:1 --restart=Never -i --rm --command -- sh -c 'read line; sleep 1; exit 3'",
          input: "line\n",
        },
        "get pods",
      ],
    },
  ],
  { runtime: "process", nodes: 1 },
);
