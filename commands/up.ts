import { clusterFlags, contextHint, openCluster } from "./cluster_on_disk.ts";
import { untilAborted } from "./daemon.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Starts a whole cluster in this process, and stays. */
export const up: Verb = defineVerb({
  name: "up",
  group: "Start a cluster",
  summary: "Start a cluster on this machine; Ctrl-C stops it with its pods.",
  description:
    "Master and node in one process, in the foreground. What the cluster knows is kept in the data folder. The context `wherry` in the kubeconfig leads to it; it becomes the current one unless another is.",
  flags: { ...clusterFlags },
  examples: [
    ["With programs as plain processes, whether Docker is there or not", "wherry up --container-runtime process"],
  ],
  async run({ flags, words, env }) {
    if (words.length > 0) throw new UsageError(`unexpected argument ${words[0]}`);
    const startedAt = env.clock.monotonic();
    const { cluster, dataDir, kubeconfig, isCurrent } = await openCluster(flags, env);
    await using _cluster = cluster;
    const seconds = ((env.clock.monotonic() - startedAt) / 1000).toFixed(2);
    const hint = contextHint(isCurrent);
    await env.terminal.write(
      [
        `The cluster is ready at ${cluster.url} (${seconds} s); pods run ${cluster.runtime === "docker" ? "in Docker" : "as processes"}.`,
        `  data        ${dataDir}`,
        `  kubeconfig  ${kubeconfig}, context wherry`,
        `Try: wherry${hint} get nodes, or kubectl${hint} get nodes. Ctrl-C stops the cluster and its pods.`,
        "",
      ].join("\n"),
    );
    await untilAborted(env.signal);
    await env.terminal.write("Stopping the pods and the cluster\n");
    return 0;
  },
});
