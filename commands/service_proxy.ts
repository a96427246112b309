import { machineFacts } from "../core/platform/machine.ts";
import { daemonLogger, loggingFlags, untilAborted } from "./daemon.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Serves the cluster's services on this machine, and nothing else. */
export const serviceProxy: Verb = defineVerb({
  name: "service-proxy",
  group: "Daemons",
  summary: "Run the service proxy by itself.",
  description:
    "Takes the services from the API (--kubeconfig) or, with --config, from a file that lists addresses and endpoints.",
  flags: {
    ...loggingFlags,
    config: { type: "string", placeholder: "path", description: "File that lists what to serve, in place of the API." },
    "hostname-override": {
      type: "string",
      placeholder: "name",
      description: "Name of the node; default: the machine's.",
    },
    "nodeport-addresses": {
      type: "list",
      placeholder: "range",
      description: "Addresses on which node ports are served, as ranges; default 127.0.0.1.",
    },
    "proxy-balancer": {
      type: "string",
      default: "round-robin",
      placeholder: "name",
      description: "How endpoints are chosen: round-robin or random.",
    },
  },
  examples: [["Serve what a file lists", "wherry service-proxy --config services.yaml"]],
  async run({ flags, words, env }) {
    if (words.length > 0) throw new UsageError(`unexpected argument ${words[0]}`);
    const { startProxyDaemon } = await import("../node_daemon/proxy/main.ts");
    const log = daemonLogger(flags, env);
    const ranges = flags["nodeport-addresses"].flatMap((text) => text.split(","));
    await using _daemon = await startProxyDaemon({
      source: flags.config === undefined ? { client: await env.client() } : { file: flags.config },
      nodeName: flags["hostname-override"] ?? machineFacts().hostname,
      nodePortRanges: ranges.length > 0 ? ranges : ["127.0.0.1"],
      balancer: flags["proxy-balancer"],
      clock: env.clock,
      random: env.random,
      log,
      signal: env.signal,
    });
    env.terminal.warn("The service proxy is ready");
    await untilAborted(env.signal);
    return 0;
  },
});
