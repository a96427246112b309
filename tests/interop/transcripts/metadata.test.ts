import { configMap, deployment, pod } from "./_objects.ts";
import { type Transcript, transcripts } from "./_transcripts.ts";

const two = [configMap("one", {}, { labels: { a: "1" }, annotations: { a: "1" } }), configMap("two")];

/** The same of labels and of annotations. */
const both: readonly Transcript[] = ["label", "annotate"].flatMap((verb): Transcript[] => [
  { given: two, lines: [`${verb} cm one b=2`, `${verb} cm one b=2`, `get cm one -o yaml`] },
  { given: two, lines: [`${verb} cm one a=2`, `${verb} cm one a=2 --overwrite`, `${verb} --overwrite cm/one a=3`] },
  { given: two, lines: [`${verb} cm one a-`, `${verb} cm one a-`, `${verb} cm one none- b=1`] },
  { given: two, lines: [`${verb} cm one two b=2`, `${verb} cm/one cm/two c=2`, `${verb} cm --all d=2`] },
  {
    given: two,
    lines: [`${verb} cm -l a=1 b=2`, `${verb} cm -l none=1 b=2`, `${verb} cm --field-selector metadata.name=two x=y`],
  },
  { given: two, lines: [`${verb} cm one none b=2`, `${verb} cm none b=2`, `${verb} cm none nix b=2`] },
  {
    given: two,
    lines: [`${verb} cm one`, `${verb} cm`, verb, `${verb} a=b`, `${verb} cm a=b one`, `${verb} cm one a=1 a-`],
  },
  { given: two, lines: [`${verb} cm one --list`, `${verb} cm one two --list`, `${verb} cm one --list -o yaml`] },
  {
    given: two,
    lines: [`${verb} cm one b=2 --dry-run=client`, `${verb} cm one b=2 --dry-run=server`, `${verb} cm one b=2 -o name`],
  },
  { given: two, lines: [`${verb} cm one b=2 -o yaml`, `${verb} cm one b=2 -o json --dry-run=client`] },
  { given: two, lines: [`${verb} cm one b=2 --resource-version=1`, `${verb} cm one two b=2 --resource-version=1`] },
  {
    given: two,
    lines: [
      `${verb} cm one --all b=2`,
      `${verb} cm --all -l a b=2`,
      `${verb} cm/one --all b=2`,
      `${verb} cm one cm/two b=2`,
    ],
  },
  {
    given: two,
    files: { "a.yaml": configMap("one") },
    lines: [
      `${verb} -f $DIR/a.yaml b=2`,
      `${verb} -f $DIR/a.yaml b=2 --local -o yaml`,
      `${verb} -f $DIR/a.yaml --local b=3`,
    ],
  },
  { lines: [`${verb} --local cm one a=b`, `${verb} --local a=b`, `${verb} cm one a=b --local --dry-run=server`] },
  {
    given: two,
    lines: [`${verb} cm one =x`, `${verb} gizmo one a=b`, `${verb} cm one x/y/z=1`, `${verb} cm one a=b -n none`],
  },
  {
    given: [deployment("web", { replicas: 0 })],
    lines: [`${verb} deploy web a=b`, `${verb} deployment.apps/web c=d`, `${verb} deployments.v1.apps web e=f`],
  },
]);

transcripts("label and annotate", [
  ...both,
  { given: two, lines: ["label cm one a=b=c", "label cm one 'a=b c'", "label cm one a-b", "label cm one b=-x"] },
  {
    given: two,
    lines: [
      "annotate cm one 'b=c d=e'",
      "annotate cm one kubernetes.io/change-cause=x",
      "annotate cm one kubernetes.io/change-cause=y",
    ],
  },
  {
    since: 36,
    given: [pod("one", { labels: { a: "1" } })],
    lines: ["label pods one a=1 b=2 c=3", "label pod/one a- b-", "label po one a=1 b=2 --overwrite c-"],
  },
]);
