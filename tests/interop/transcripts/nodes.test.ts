import { node, pod } from "./_objects.ts";
import { transcripts } from "./_transcripts.ts";

const one = node("$NS-n");
const on = (name: string, spec: object = {}) => pod(name, { spec: { nodeName: "$NS-n", ...spec } });

/** Of P-256, signed, for `CN=carol, O=dev`. */
const request =
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIYU1JR0FBZ0VBTUI0eEREQUtCZ05WQkFvTUEyUmxkakVPTUF3" +
  "R0ExVUVBd3dGWTJGeWIyd3dXVEFUQmdjcQpoa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVNsME1hUkNSNmdxc1VPRW5qSXQ1YXRZ" +
  "Z291RFFHZ2w3LzE1UzU4CkFJUThFcEhEa3NzWitJL252OTFKcklzeHJKWXlzQ2E5T2hWQmRSZzRQT3ZPc3dwNG9BQXdDZ1lJS29a" +
  "SXpqMEUKQXdJRFNRQXdSZ0loQU5uTGhFdkhHa3RQcTIxcGpHbjduQzEvdnRJZXRuN2FuNTQ0WGhiNDVQWTRBaUVBa093VgpFTDhY" +
  "R2Yxd1YwaXdqRk8zd1pVSmtOcVJPa3k0Qks3M2cvdVA4cVE9Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";
const csr = (name: string) => ({
  apiVersion: "certificates.k8s.io/v1",
  kind: "CertificateSigningRequest",
  metadata: { name },
  spec: { request, signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"] },
});

transcripts("taint, cordon, drain and certificate", [
  {
    given: [one],
    lines: [
      "taint nodes $NS-n a=b:NoSchedule",
      "taint node $NS-n a=b:NoSchedule",
      "taint no $NS-n a=c:NoSchedule --overwrite",
      "taint nodes $NS-n a-",
      "taint nodes $NS-n a-",
    ],
  },
  {
    given: [one],
    lines: [
      "taint",
      "taint nodes",
      "taint nodes $NS-n",
      "taint nodes a:NoSchedule",
      "taint pods x a:NoSchedule",
      "taint nodes $NS-n a:Odd",
      "taint nodes $NS-n a=b=c:NoSchedule",
    ],
  },
  {
    given: [one],
    lines: [
      "taint nodes $NS-n a:NoSchedule b:NoExecute",
      "taint nodes $NS-n a:NoSchedule- c:NoSchedule",
      "taint nodes $NS-n b- b:NoExecute",
      "taint nodes $NS-n d:NoExecute d=1:NoExecute",
    ],
  },
  {
    given: [one],
    lines: [
      "taint nodes $NS-n a:NoSchedule --dry-run=client",
      "taint nodes $NS-n a:NoSchedule --dry-run=server",
      "taint nodes $NS-n a:NoSchedule -o name",
      "taint nodes $NS-none a:NoSchedule",
      "taint nodes $NS-n a=b x",
    ],
  },
  {
    given: [node("$NS-n", {}), node("$NS-m", {})],
    lines: [
      "taint nodes $NS-n $NS-m a:NoSchedule",
      "taint nodes --all --selector=x=y a:NoSchedule",
      "taint nodes -l x=$NS a:NoSchedule",
    ],
  },

  {
    given: [one],
    lines: ["cordon $NS-n", "cordon $NS-n", "uncordon $NS-n", "uncordon node/$NS-n"],
  },
  {
    given: [one],
    lines: [
      "cordon",
      "cordon $NS-none",
      "cordon pod/x",
      "cordon $NS-n -l a=b",
      "cordon $NS-n --dry-run=client",
      "cordon $NS-n --dry-run=server",
      "uncordon -l none=$NS",
    ],
  },

  {
    given: [one, on("a")],
    lines: ["drain $NS-n", "drain $NS-n --force --dry-run=client", "drain $NS-n --force --dry-run=server"],
  },
  {
    given: [one],
    lines: ["drain $NS-n", "drain", "drain $NS-none", "drain $NS-n --pod-selector='==='", "drain $NS-n -l a=b"],
  },
  {
    given: [one, on("a", { volumes: [{ name: "v", emptyDir: {} }] })],
    lines: ["drain $NS-n", "drain $NS-n --force", "drain $NS-n --force --delete-emptydir-data --dry-run=client"],
  },
  {
    given: [one, on("a", { terminationGracePeriodSeconds: 0 })],
    lines: ["drain $NS-n --force --grace-period=0 --timeout=120s", "get pods"],
  },
  {
    given: [one, on("a", { terminationGracePeriodSeconds: 0 })],
    lines: ["drain $NS-n --force --disable-eviction --grace-period=0 --timeout=120s", "get pods"],
  },

  {
    given: [csr("$NS-a"), csr("$NS-b"), csr("$NS-c")],
    lines: [
      "certificate approve $NS-a",
      "certificate approve $NS-a",
      "certificate approve csr/$NS-a --force -o name",
      "certificate deny $NS-a",
      "certificate deny $NS-b $NS-c",
      "certificate approve $NS-b",
      "get csr $NS-b -o jsonpath='{.status.conditions[*].type} {.status.conditions[*].reason}'",
      "delete csr $NS-a $NS-b $NS-c",
    ],
  },
  { lines: ["certificate approve", "certificate approve $NS-none", "certificate deny", "certificate deny $NS-none"] },
]);
