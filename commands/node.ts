import type { Client } from "../core/client/client.ts";
import { createClient } from "../core/client/create_client.ts";
import { silentTransport } from "../core/client/silent_transport.ts";
import { nodeFlags } from "../core/flags/node_flags.ts";
import { keepHeapSmall } from "../core/platform/heap.ts";
import type { Clock } from "../core/util/clock.ts";
import { daemonLogger, loggingFlags, untilAborted } from "./daemon.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** A client of a master that there is not: whoever asks waits until asking ends. */
function nobody(clock: Clock): Client {
  return createClient(silentTransport(), { clock });
}

/** Runs this machine's pods for a master. */
export const node: Verb = defineVerb({
  name: "node",
  group: "Daemons",
  summary: "Run the node daemon: this machine's pods, and its services.",
  description:
    "How the master is reached is said by --kubeconfig, or by --server, --token and --certificate-authority.",
  flags: { ...loggingFlags, ...nodeFlags },
  examples: [
    [
      "Run the pods of a folder, without a master",
      "wherry node --standalone --pod-manifest-path /etc/wherry/manifests",
    ],
    ["Join a master", "wherry node --server https://10.0.0.1:6443 --token $TOKEN --certificate-authority ca.crt"],
  ],
  async run({ flags, words, env }) {
    if (words.length > 0) throw new UsageError(`unexpected argument ${words[0]}`);
    const log = daemonLogger(flags, env);
    using _heap = keepHeapSmall();
    const [{ startNodeDaemon }, client] = await Promise.all([
      import("../node_daemon/main.ts"),
      flags.standalone ? nobody(env.clock) : env.client("kubelet"),
    ]);
    await using _client = client;
    await using daemon = await startNodeDaemon({
      flags,
      client,
      clock: env.clock,
      random: env.random,
      log,
      signal: env.signal,
    });
    await env.terminal.write(
      `Node ${daemon.nodeName} is ready; pods run ${daemon.runtime === "docker" ? "in Docker" : "as processes"}.\n`,
    );
    await untilAborted(env.signal);
    return 0;
  },
});
