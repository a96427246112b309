import { transcripts } from "./_transcripts.ts";

const filled = [
  "config set-cluster a --server=https://1.2.3.4",
  "config set-credentials u --token=abc",
  "config set-context c --cluster=a --user=u",
];

transcripts("config", [
  { lines: ["config current-context", "config unset current-context", "config current-context"] },
  { lines: ["config get-contexts", "config get-contexts -o name", "config get-contexts --no-headers"] },
  { lines: ["config get-contexts zz", "config get-contexts wherry zz"] },
  { lines: ["config get-clusters", "config get-users"] },
  { lines: [...filled, "config get-contexts", "config view -o yaml"] },
  { since: 35, lines: [...filled, "config view -o kyaml"] },
  { lines: [...filled, "config use-context c", "config view --minify", "config current-context"] },
  { lines: [...filled, "config view -o json"] },
  { lines: [...filled, "config view --context=c --minify --raw"] },
  {
    lines: ["config set-cluster a --server=x --certificate-authority=$DIR/ca.crt", "config view"],
    files: { "ca.crt": "x" },
  },
  {
    lines: [
      "config set-cluster a --certificate-authority=$DIR/ca.crt --embed-certs",
      "config view",
      "config view --raw",
    ],
    files: { "ca.crt": "x" },
  },
  {
    lines: [
      "config set-cluster a --insecure-skip-tls-verify=true --tls-server-name=b --proxy-url=http://p:1",
      "config view",
    ],
  },
  {
    lines: [
      "config set-cluster a --insecure-skip-tls-verify --certificate-authority=x",
      "config set-cluster a --embed-certs",
    ],
  },
  { lines: ["config set-credentials u --token=a --username=b", "config set-credentials u --embed-certs"] },
  {
    lines: [
      "config set-credentials u --username=a --password=b",
      "config view",
      "config set-credentials u --token=t",
      "config view",
    ],
  },
  {
    lines: [
      "config set-credentials e --exec-command=foo --exec-api-version=client.authentication.k8s.io/v1 --exec-arg=a,b --exec-env=A=b --exec-interactive-mode=Never",
      "config view",
      "config set-credentials e --exec-env=A- --exec-env=B=c --exec-arg=z",
      "config view",
      "config set-credentials e --exec-command=bar",
      "config view -o json",
    ],
  },
  { lines: ["config set-context --current --namespace=x", "config view", "config set-context"] },
  { lines: ["config unset current-context", "config set-context --current --namespace=x"] },
  { lines: ["config use-context zz"] },
  {
    lines: [
      ...filled,
      "config rename-context c d",
      "config rename-context zz d",
      "config rename-context d d",
      "config get-contexts",
    ],
  },
  { lines: ["config rename-context wherry other", "config current-context"] },
  {
    lines: [
      ...filled,
      "config delete-context c",
      "config delete-context c",
      "config delete-cluster a",
      "config delete-cluster a",
    ],
  },
  { lines: [...filled, "config delete-user u", "config delete-user u", "config get-users"] },
  {
    lines: [
      ...filled,
      "config set clusters.a.server http://x",
      "config set contexts.c.namespace q",
      "config set current-context c",
      "config set users.u.client-key-data eA==",
      "config set users.u.client-certificate-data x --set-raw-bytes",
      "config view --raw",
    ],
  },
  { lines: ["config set foo.bar d", "config set current-context ''"] },
  {
    lines: [
      "config set clusters.10.0.0.1.server x",
      "config set clusters.10.0.0.1.insecure-skip-tls-verify true",
      "config view",
    ],
  },
  { lines: ["config set clusters.a.insecure-skip-tls-verify x", "config set users.a.client-key-data %%"] },
  {
    lines: [
      ...filled,
      "config unset contexts.c.cluster",
      "config unset users.u",
      "config unset users.zz",
      "config view",
    ],
  },
  { lines: ["config view --merge=false --flatten"] },
]);

transcripts("auth", [
  {
    lines: ["auth can-i get pods", "auth can-i get pods/web --subresource=log", "auth can-i list deployments.apps -A"],
  },
  { lines: ["auth can-i get nodes", "auth can-i foo foos", "auth can-i create storageclasses"] },
  { lines: ["auth can-i impersonate users/bob", "auth can-i impersonate groups --as=bob"] },
  { lines: ["auth can-i get /logs", "auth can-i get /logs -q", "auth can-i jump /logs"] },
  { lines: ["auth can-i list pods --as=bob", "auth can-i list pods --as=bob -q", "auth can-i '*' '*'"] },
  { lines: ["auth can-i --list", "auth can-i --list --as=bob --no-headers"] },
  { lines: ["auth can-i", "auth can-i get pods --no-headers", "auth can-i get pods --list", "auth can-i --list -q"] },
  { lines: ["auth whoami", "auth whoami --as=bob --as-group=g1 --as-group=g2 --as-uid=7"] },
  { lines: ["auth whoami --as-group=g"] },
]);
