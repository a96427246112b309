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
    { lines: [`run p --image=x --env=A=b --labels=a=b,c=d ${dry} -o yaml --command -- a b`] },
    {
      lines: [
        `run p --image=x --port=5 --image-pull-policy=Never --privileged --annotations=x=y ${dry} -o yaml -- a b`,
        `run p --image=x --overrides='{"apiVersion":"v1","spec":{"nodeName":"n"}}' ${dry} -o yaml`,
      ],
    },
    { lines: ["run", "run c", "run c --image=", "run --image=x", "run c --image='A B'"] },
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
