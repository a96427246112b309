import { nodeFlags } from "../core/flags/node_flags.ts";
import { daemonLogger, loggingFlags, untilAborted } from "./daemon.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Runs this machine's pods for a master. */
export const node: Verb = defineVerb({
  name: "node",
  group: "Daemons",
  summary: "Run the node daemon: this machine's pods, and its services.",
  description:
    "How the master is reached is said by --kubeconfig, or by --server, --token and --certificate-authority.",
  flags: { ...loggingFlags, ...nodeFlags },
  examples: [
    ["Join a master", "wherry node --server https://10.0.0.1:6443 --token $TOKEN --certificate-authority ca.crt"],
  ],
  async run({ flags, words, env }) {
    if (words.length > 0) throw new UsageError(`unexpected argument ${words[0]}`);
    const log = daemonLogger(flags, env);
    const [{ startNodeDaemon }, client] = await Promise.all([import("../node_daemon/main.ts"), env.client("kubelet")]);
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
