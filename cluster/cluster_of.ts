import type { ResourceType } from "../core/api/kind.ts";
import type { JsonObject, KubeObject, ObjectKey } from "../core/api/meta.ts";
import { formatYaml } from "../core/api/yaml_writer.ts";
import { exec } from "../core/client/exec.ts";
import { logLines } from "../core/client/logs.ts";
import { type WaitOptions, waitFor } from "../core/client/wait_for.ts";
import type { Clock } from "../core/util/clock.ts";
import type { DisposalStack } from "../core/util/disposal_stack.ts";
import type { Master } from "../master_daemon/master.ts";
import { applyManifests } from "./apply_manifests.ts";
import type { ClusterNodes } from "./cluster_nodes.ts";
import type { Cluster } from "./start_cluster.ts";

/** The parts of a cluster that runs, as one thing. */
export function clusterOf({
  master,
  nodes,
  addNode,
  token,
  clock,
  parts,
  caPem,
}: {
  readonly master: Master;
  readonly nodes: ClusterNodes;
  addNode(): Promise<string>;
  readonly token: string;
  readonly clock: Clock;
  readonly parts: DisposalStack;
  readonly caPem: string;
}): Cluster {
  const { client, url = "" } = master;
  const credentials = { cluster: { server: url, "certificate-authority-data": btoa(caPem) }, user: { token } };
  return {
    client,
    url,
    credentials,
    kubeconfig: formatYaml(kubeconfigOf(credentials)),
    clock,
    get runtime() {
      return nodes.runtime ?? "none";
    },
    get nodes() {
      return nodes.names;
    },
    apply: (manifests) => applyManifests(client, manifests),
    // The two forms of waitFor() differ only in what they resolve with.
    waitFor: (<T extends KubeObject>(kind: ResourceType<T>, key: ObjectKey, options: WaitOptions<T>) =>
      waitFor(client, kind, key, { clock, ...options })) as Cluster["waitFor"],
    logs: (pod, options) => logLines(client, pod, options),
    async exec(pod, command, { stdin, ...options } = {}) {
      const [stdout, stderr] = [new TextSink(), new TextSink()];
      const code = await exec(client, pod, {
        ...options,
        command,
        ...(stdin === undefined ? {} : { stdin: bytesOf(stdin) }),
        stdout: (bytes) => stdout.write(bytes),
        stderr: (bytes) => stderr.write(bytes),
      });
      return { code, stdout: stdout.text(), stderr: stderr.text() };
    },
    addNode,
    killNode: (name) => nodes.kill(name),
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
}

/** Collects bytes that are text. */
class TextSink {
  readonly #decoder = new TextDecoder();
  #text = "";

  write(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes, { stream: true });
  }

  text(): string {
    return this.#text + this.#decoder.decode();
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void, void> {
  yield new TextEncoder().encode(text);
}

function kubeconfigOf({ cluster, user }: Cluster["credentials"]): JsonObject {
  const name = "wherry";
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { ...cluster } as JsonObject }],
    users: [{ name, user: { ...user } as JsonObject }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
}
