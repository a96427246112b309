import { masterFlags } from "../core/flags/master_flags.ts";
import { daemonLogger, loggingFlags, untilAborted } from "./daemon.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Runs API server, store, controllers and scheduler. */
export const master: Verb = defineVerb({
  name: "master",
  group: "Daemons",
  summary: "Run the master daemon: API server, store, controllers and scheduler.",
  description:
    "In the foreground, over TLS; the certificates are made in the data directory. It is ready when /readyz says ok.",
  flags: { ...loggingFlags, ...masterFlags },
  examples: [["On this machine only", "wherry master --data-dir /var/lib/wherry --token-auth-file tokens.csv"]],
  async run({ flags, words, env }) {
    if (words.length > 0) throw new UsageError(`unexpected argument ${words[0]}`);
    const log = daemonLogger(flags, env);
    const { startMasterDaemon } = await import("../master_daemon/main.ts");
    await using daemon = await startMasterDaemon({
      flags,
      clock: env.clock,
      random: env.random,
      log,
      signal: env.signal,
    });
    await env.terminal.write(`The API is ready at ${daemon.url}\n`);
    await untilAborted(env.signal);
    return 0;
  },
});
