import { configMap, deployment, pod, service } from "./_objects.ts";
import { transcripts } from "./_transcripts.ts";

const web = deployment("web", { replicas: 0 });
const binding = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name: "b" },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
  subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ann" }],
};

transcripts("set", [
  {
    given: [web],
    lines: [
      "set image deploy/web main=nginx:2",
      "set image deploy/web main=nginx:2",
      "set image deploy web '*=nginx:3' -o name",
      "set image deploy/web none=x",
      "get deploy web -o yaml",
    ],
  },
  {
    given: [web],
    lines: [
      "set image",
      "set image deploy/web",
      "set image main=x",
      "set image deploy/web main=x '*=y'",
      "set image deploy/none main=x",
      "set image deploy web main=x --dry-run=client",
      "set image deploy web main=x --dry-run=server",
    ],
  },
  {
    given: [configMap("one")],
    lines: ["set image cm/one main=x", "set env cm/one A=b", "set resources cm/one --limits=cpu=1", "set sa cm/one x"],
  },
  {
    given: [web, deployment("two", { replicas: 0 })],
    lines: [
      "set image deploy --all main=x",
      "set image deploy -l app=two main=y",
      "set image deploy/web deploy/two main=z",
      "set image deploy web --all -l a=b main=x",
    ],
  },

  {
    name: "set env takes away what is not there, and the last one",
    given: [web],
    lines: [
      "set env deploy/web NONE-",
      "set env deploy/web 1A=1",
      "set env deploy/web ..a=1",
      "get deploy web -o jsonpath={.metadata.generation}{.spec.template.spec.containers[0]}",
      "set env deploy/web A=1",
      "set env deploy/web A-",
      "get deploy web -o jsonpath={.metadata.generation}{.spec.template.spec.containers[0]}",
    ],
  },
  {
    given: [web],
    lines: [
      "set env deploy/web A=1 B=2",
      "set env deploy/web A=1",
      "set env deploy/web --list",
      "set env deploy/web B-",
      "set env deploy/web A=2 --overwrite=false",
      "set env deploy web -e C=3",
      "set env deploy/web --list",
    ],
  },
  {
    // kubectl takes the keys of one in any order.
    given: [web, configMap("dotted", { "some.key": "x" }), configMap("settings", { "some.key": "x", OTHER: "y" })],
    lines: [
      "set env deploy/web --from=cm/dotted",
      "set env deploy/web --from=cm/settings --keys=OTHER --prefix=P_",
      "set env deploy/web --list --resolve",
      "set env deploy/web --list",
    ],
  },
  {
    given: [web],
    lines: [
      "set env",
      "set env deploy/web A=1 A-",
      "set env deploy/web A=1 x",
      "set env deploy/web -c none A=1",
      "set env deploy/web --keys=a",
      "set env deploy/web --list -o yaml",
      { line: "set env deploy/web -", input: "X=1\n# no\nY=2\n" },
      "set env deploy/web --list",
    ],
  },

  {
    given: [web],
    lines: [
      "set resources deploy/web --limits=cpu=200m,memory=64Mi",
      "set resources deploy/web --requests=cpu=0.1",
      "set resources deploy/web --requests=cpu=0.1",
      "set resources deploy/web",
      "set resources deploy/web -c none --limits=cpu=1",
      "set resources deploy/web --limits=cpu",
      "set resources deploy/web --limits=cpu=x",
      "get deploy web -o yaml",
    ],
  },
  {
    given: [service("web")],
    lines: [
      "set selector svc web a=b",
      "set selector svc/web a=b,c=d -o name",
      "set selector svc web 'a in (b)'",
      "set selector svc web",
      "set selector",
      "set selector svc none a=b",
      "set selector svc web x=y --dry-run=client -o json",
    ],
  },
  {
    given: [web],
    lines: [
      "set selector deploy web a=b",
      "set sa deploy/web robot",
      "set serviceaccount deploy web robot",
      "set sa",
      "set sa deploy/none robot",
      "set sa deploy/web other --dry-run=server",
    ],
  },
  {
    given: [binding, pod("one")],
    lines: [
      "set subject rolebinding b --user=bob --group=g --serviceaccount=$NS:s",
      "set subject rolebinding b --user=ann",
      "set subject rolebinding b",
      "set subject rolebinding b --serviceaccount=x",
      "set subject pod one --user=x",
      "get rolebinding b -o yaml",
    ],
  },
  {
    files: { "a.yaml": web },
    lines: [
      "set image -f $DIR/a.yaml main=x --local -o name",
      "set image --local deploy/web main=x",
      "set env -f $DIR/a.yaml --local A=1 -o name",
      "set resources -f $DIR/a.yaml --local --limits=cpu=1 --dry-run=server",
    ],
  },
]);
