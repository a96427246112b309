import { transcripts } from "./_transcripts.ts";

const pod = (extra: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", labels: { app: "web" }, annotations: { note: "x" } },
  spec: {
    initContainers: [{ name: "init", image: "init:1" }],
    containers: [
      {
        name: "main",
        image: "main:1",
        args: ["serve"],
        livenessProbe: { exec: { command: ["true"] } },
        startupProbe: { exec: { command: ["true"] } },
        securityContext: { capabilities: { add: ["SYS_TIME"] } },
      },
      { name: "side", image: "side:1", readinessProbe: { exec: { command: ["true"] } } },
    ],
    ...extra,
  },
});
const node = { apiVersion: "v1", kind: "Node", metadata: { name: "$NS" } };
const ephemeral = "get pod web -o jsonpath={.spec.ephemeralContainers}";
const copy = "get pod copy -o jsonpath={.metadata.labels}{.metadata.annotations}{.spec}";
const profiles = ["legacy", "general", "baseline", "restricted", "netadmin", "sysadmin"];

transcripts(
  "debug",
  [
    ...profiles.map((profile) => ({
      name: `debug a pod, profile ${profile}`,
      given: [pod()],
      lines: [`debug web --image=box -c look --profile=${profile} --target=main -- sh -c date`, ephemeral],
    })),
    ...profiles.map((profile) => ({
      name: `debug a copy, profile ${profile}`,
      given: [pod()],
      lines: [`debug web --image=box --copy-to=copy -c look --profile=${profile} --env=A=1`, copy],
    })),
    ...profiles.map((profile) => ({
      name: `debug a node, profile ${profile}`,
      given: [node],
      lines: [
        `debug node/$NS --image=box -c look -q --profile=${profile} --arguments-only -- a b`,
        "get pods -o jsonpath={.items[*].spec}",
      ],
    })),
    {
      name: "debug a copy whose own container is changed",
      given: [pod()],
      lines: [
        "debug web --copy-to=copy -c main --profile=general --keep-labels --keep-liveness --share-processes=false -- sh",
        copy,
      ],
    },
    {
      name: "debug a copy with other images",
      given: [pod()],
      lines: [
        "debug web --copy-to=copy --set-image=*=box:2,side=box:3 --replace --profile=general",
        copy,
        "get pod web",
      ],
    },
    {
      name: "debug with what does not fit together",
      given: [pod()],
      lines: [
        "debug",
        "debug web",
        "debug --image=box",
        "debug nope --image=box --profile=general",
        "debug cm/kube-root-ca.crt --image=box --profile=general",
        "debug web --image=box --profile=x",
        "debug web --image=box --replace",
        "debug web --image=box --same-node",
        "debug web --set-image=main=box",
      ],
    },
    {
      name: "debug with what does not fit a copy",
      given: [pod()],
      lines: [
        "debug web --copy-to=copy",
        "debug web --copy-to=copy -- sh",
        "debug web --copy-to=copy -c x --profile=general -- sh",
        "debug web --copy-to=copy --image=box --target=main",
        "debug web --attach",
        "debug web --image=box -t",
        "debug web --image=box --image-pull-policy=x",
        "debug web --image=_",
        "debug web --image=box --env=x",
      ],
    },
    ...[
      { name: "a pod", line: "debug web --image=box -c look --profile=general", look: ephemeral },
      { name: "a copy", line: "debug web --image=box -c look --copy-to=copy --profile=general", look: copy },
      {
        name: "a node",
        line: "debug node/$NS --image=box -c look -q --profile=general",
        look: "get pods -o jsonpath={.items[*].spec}",
      },
    ].map(({ name, line, look }) => ({
      name: `debug ${name} with a profile of the user's`,
      given: name === "a node" ? [node] : [pod()],
      files: {
        "profile.json": {
          env: [{ name: "A", value: "1" }],
          securityContext: { capabilities: { add: ["SYS_TIME"] }, privileged: true },
          resources: { limits: { cpu: "1" } },
          imagePullPolicy: "Always",
        },
      },
      lines: [`${line} --profile=general --env=B=2 --custom=$DIR/profile.json`, look],
    })),
    {
      name: "debug with a profile of the user's that is none",
      given: [pod()],
      files: { named: "name: x\n", command: { command: ["x"] }, empty: "" },
      lines: [
        "debug web --image=box --profile=general --custom=$DIR/missing",
        "debug web --image=box --profile=general --custom=$DIR/named",
        "debug web --image=box --profile=general --custom=$DIR/command",
        "debug web --image=box --profile=general -c look --custom=$DIR/empty",
      ],
    },
    {
      name: "debug what a file has",
      given: [pod()],
      files: { "web.yaml": pod({ securityContext: {} }) },
      lines: [
        "debug -f $DIR/web.yaml --image=box -c look --profile=general",
        ephemeral,
        "debug -f $DIR/web.yaml web --image=box --profile=general",
        "debug -f $DIR/none.yaml --image=box --profile=general",
        "debug -f $DIR/web.yaml --copy-to=copy --image=box -c look --profile=restricted",
        copy,
      ],
    },
    {
      name: "debug a pod whose user is not root",
      given: [pod({ securityContext: { runAsUser: 1000 } })],
      lines: [
        "debug web --image=box -c look --profile=general",
        "debug web --image=box -c see --profile=baseline",
        "debug web --image=box -c look --copy-to=copy --profile=sysadmin",
      ],
    },
    // Older ones know fewer profiles and say less of them.
  ].map((one) => ({ ...one, since: 33 })),
);
