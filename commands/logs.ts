import type { KubeObject } from "../core/api/meta.ts";
import { isReason } from "../core/api/status.ts";
import type { Client } from "../core/client/client.ts";
import { podResource } from "../core/client/resources.ts";
import type { Pod } from "../core/kinds/pod.ts";
import { errorMessage } from "../core/util/log.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { warnNothingFound } from "./not_found.ts";
import { objectOf, podOf, podSelector } from "./pods.ts";
import { allSources, followNewPods, type LogQuery, type LogSource, printAll, sourceOf } from "./streams/log_sources.ts";
import { podRunningTimeoutFlag, podRunningTimeoutMs } from "./streams/running_timeout.ts";
import { defineVerb, type FlagTable, type FlagValues, UsageError, type Verb } from "./verb.ts";

const flags = {
  container: { type: "string", short: "c", placeholder: "name", description: "Container of the pod." },
  "all-containers": { type: "boolean", description: "All containers of the pods." },
  "all-pods": { type: "boolean", description: "All pods of the object; with their names before each line." },
  follow: { type: "boolean", short: "f", description: "Go on until the containers end." },
  "new-pods": {
    type: "boolean",
    description: "With -f: go on with pods and containers that come later, until Ctrl-C.",
  },
  previous: { type: "boolean", short: "p", description: "Of the container's run before this one." },
  timestamps: { type: "boolean", description: "Begin each line with its time." },
  tail: {
    type: "number",
    default: -1,
    placeholder: "lines",
    description: "Only the last lines; default all, 10 with -l.",
  },
  since: { type: "duration", placeholder: "duration", description: "Only what is not older, e.g. 5m." },
  "since-time": { type: "string", placeholder: "time", description: "Only what is not older than this RFC 3339 time." },
  "limit-bytes": { type: "number", default: 0, placeholder: "n", description: "Bytes at most." },
  selector: { type: "string", short: "l", placeholder: "labels", description: "Of all pods with these labels." },
  prefix: { type: "boolean", description: "Begin each line with its pod and container." },
  "max-log-requests": { type: "number", default: 5, placeholder: "n", description: "Logs to follow at once at most." },
  "ignore-errors": { type: "boolean", description: "Go on when a log cannot be read." },
  "insecure-skip-tls-verify-backend": {
    type: "boolean",
    description: "The server need not check its node's certificate.",
  },
  ...podRunningTimeoutFlag("20s"),
} as const satisfies FlagTable;

type Values = FlagValues<typeof flags>;

/** Prints what containers wrote. */
export const logs: Verb = defineVerb({
  name: "logs",
  group: "Look inside",
  summary: "Print what containers wrote.",
  words: "[pod] [container] [more...]",
  flags,
  examples: [
    ["Follow a pod", "wherry logs -f web-5d9c7b9f4-x2x7k"],
    ["One of a deployment's pods", "wherry logs deploy/web"],
    ["All of them, and those that take their place", "wherry logs -f deploy/web --all-pods --new-pods"],
  ],
  async run({ flags, words, env }) {
    const { query, container } = check(flags, words);
    const timeoutMs = podRunningTimeoutMs(flags, "logs");
    const client = await env.client();
    const namespace = await env.namespace();
    const prefix = flags.prefix || flags["all-pods"];
    const options = { client, env, query, prefix, ignoreErrors: flags["ignore-errors"] };
    const object = flags.selector ? undefined : await objectIn(client, words[0] ?? "", env);
    const cannot = "cannot get the logs from";
    const labelSelector =
      flags.selector ??
      (object && object.kind !== "Pod" && flags["all-pods"] ? podSelector(object, cannot) : undefined);
    const choose = (one: Pod): readonly LogSource[] =>
      flags["all-containers"] ? allSources(one) : [sourceOf(one, container, env)];
    if (flags.follow && flags["new-pods"]) {
      const where = object?.kind === "Pod" ? { fieldSelector: `metadata.name=${object.metadata.name}` } : undefined;
      const selector = labelSelector ?? (object && !where ? podSelector(object, cannot) : undefined);
      await followNewPods(where ?? { labelSelector: selector }, {
        ...options,
        namespace,
        prefix: prefix || !where,
        choose,
      });
      return env.signal.aborted ? 130 : 0;
    }
    const pods =
      labelSelector === undefined
        ? [await podOf(client, object as KubeObject, env, { cannot, timeoutMs, preferRestarted: true, tell: true })]
        : (await client.list(podResource, { namespace, labelSelector, signal: env.signal })).items;
    if (pods.length === 0) await warnNothingFound(namespace, env);
    const sources = pods.flatMap(choose);
    const limit = flags["max-log-requests"];
    if (flags.follow && sources.length > 1 && sources.length > limit)
      throw new UsageError(
        `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${limit}, use --max-log-requests to increase the limit`,
      );
    await printAll(sources, { ...options, atOnce: flags.follow });
    return env.signal.aborted ? 130 : 0;
  },
});

/** @throws UsageError for one that there is not, in the words that kubectl has here only */
async function objectIn(client: Client, word: string, env: CommandEnv): Promise<KubeObject> {
  try {
    return await objectOf(client, [word], env);
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
    throw new UsageError(
      `error from server (NotFound): ${errorMessage(error)} in namespace "${await env.namespace()}"`,
      { cause: error },
    );
  }
}

const usage =
  "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\nSee 'wherry logs -h' for help and examples";

/** What to ask the server for. @throws UsageError with kubectl's words for what does not go together */
function check(
  flags: Values,
  words: readonly string[],
): { readonly query: LogQuery; readonly container: string | undefined } {
  const [target, inline] = words;
  if (words.length > 2 || (target === undefined && !flags.selector)) throw new UsageError(usage);
  if (words.length === 1 && flags.selector)
    throw new UsageError("only a selector (-l) or a POD name is allowed\nSee 'wherry logs -h' for help and examples");
  const sinceMs = flags.since === undefined ? 0 : parseDuration(flags.since);
  if (flags["since-time"] && Number.isNaN(Date.parse(flags["since-time"])))
    throw new UsageError(
      `parsing time "${flags["since-time"]}" as "2006-01-02T15:04:05Z07:00": cannot parse "${flags["since-time"]}" as "2006"`,
    );
  if (flags["since-time"] && sinceMs !== 0)
    throw new UsageError("at most one of `sinceTime` or `sinceSeconds` may be specified");
  if (flags["all-containers"] && (flags.container || inline))
    throw new UsageError(
      `--all-containers=true should not be specified with container name ${flags.container || inline}`,
    );
  if (flags.container && inline !== undefined)
    throw new UsageError("only one of -c or an inline [CONTAINER] arg is allowed");
  if (flags["limit-bytes"] < 0) throw new UsageError("--limit-bytes must be greater than 0");
  if (sinceMs < 0) throw new UsageError("--since must be greater than 0");
  if (flags.tail < -1) throw new UsageError("--tail must be greater than or equal to -1");
  return {
    container: flags.container || inline,
    query: {
      follow: flags.follow,
      previous: flags.previous,
      timestamps: flags.timestamps,
      tailLines: flags.tail >= 0 ? flags.tail : flags.selector ? 10 : undefined,
      sinceSeconds: sinceMs === 0 ? undefined : Math.round(sinceMs / 1000),
      sinceTime: flags["since-time"] || undefined,
      limitBytes: flags["limit-bytes"] || undefined,
      insecureSkipTLSVerifyBackend: flags["insecure-skip-tls-verify-backend"] || undefined,
    },
  };
}
