import { asObject } from "../core/api/json_object.ts";
import { parseLabelSelector } from "../core/api/labels.ts";
import type { KubeList } from "../core/api/meta.ts";
import { ignoreReason, isReason, type StatusError } from "../core/api/status.ts";
import { waitFor } from "../core/client/wait_for.ts";
import { daemonSet } from "../core/kinds/daemon_set.ts";
import { type Pod, pod as podKind } from "../core/kinds/pod.ts";
import { compact } from "../core/util/compact.ts";
import { errorMessage } from "../core/util/log.ts";
import { throwAll } from "./all_errors.ts";
import { choosePods, type DrainChoice, type DrainPolicy } from "./drain/choose_pods.ts";
import { cordonNodes, linePrinter, nodeFlags, nodesOf } from "./drain/cordon_nodes.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { chunkSizeFlag } from "./get/flags.ts";
import { withProgress } from "./progress.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { type DryRun, dryRunOf } from "./write_flags.ts";

const retryMs = 5000;
const weekMs = 7 * 24 * 3600_000;

/** Empties nodes. */
export const drain: Verb = defineVerb({
  name: "drain",
  group: "Change",
  summary: "Evict the pods of nodes, and keep new ones off.",
  words: "[nodes...]",
  flags: {
    ...nodeFlags,
    force: { type: "boolean", description: "Also pods that no controller would make anew." },
    "ignore-daemonsets": { type: "boolean", description: "Leave pods of daemon sets where they are." },
    "delete-emptydir-data": { type: "boolean", description: "Also pods that keep data in an emptyDir." },
    "grace-period": {
      type: "number",
      default: -1,
      placeholder: "seconds",
      description: "Seconds that pods get to end; below 0: as they say.",
    },
    timeout: {
      type: "duration",
      default: "0s",
      placeholder: "duration",
      description: "How long to wait at most; 0: as long as it takes.",
    },
    "chunk-size": chunkSizeFlag,
    "pod-selector": { type: "string", placeholder: "labels", description: "Only pods with these labels." },
    "disable-eviction": { type: "boolean", description: "Delete pods, whatever disruption budgets say." },
    "skip-wait-for-delete-timeout": {
      type: "number",
      default: 0,
      placeholder: "seconds",
      description: "Do not wait for pods that have been ending for longer than this.",
    },
  },
  examples: [["Before maintenance", "wherry drain node-1 --ignore-daemonsets"]],
  async run({ flags, words, env }) {
    const dryRun = dryRunOf(flags, env);
    if (flags["pod-selector"]) {
      try {
        parseLabelSelector(flags["pod-selector"]);
      } catch {
        throw new UsageError("--pod-selector=<pod_selector> must be a valid label selector");
      }
    }
    const nodes = await nodesOf("drain", words, flags, env);
    await cordonNodes(nodes, true, dryRun, env);
    const request: DrainRequest = {
      policy: {
        force: flags.force,
        ignoreDaemonSets: flags["ignore-daemonsets"],
        deleteEmptyDirData: flags["delete-emptydir-data"],
        skipEndingAfterSeconds: flags["skip-wait-for-delete-timeout"],
      },
      podSelector: flags["pod-selector"],
      chunkSize: flags["chunk-size"],
      gracePeriodSeconds: flags["grace-period"] < 0 ? undefined : flags["grace-period"],
      evicts: !flags["disable-eviction"],
      timeoutMs: parseDuration(flags.timeout) || weekMs,
      timeoutText: flags.timeout,
      dryRun,
    };
    const print = await linePrinter(dryRun, env);
    const failures: unknown[] = [];
    const pending: string[] = [];
    for (const { key, object } of nodes) {
      try {
        await emptyNode(key.name, request, env);
        await print(object, "drained");
      } catch (error) {
        if (env.signal.aborted) throw error;
        env.terminal.warn(
          `error: unable to drain node "${key.name}" due to error: ${aggregateText(error)}, continuing command...`,
        );
        failures.push(error);
        pending.push(key.name);
      }
    }
    if (pending.length > 0)
      env.terminal.warn(`There are pending nodes to be drained:\n${pending.map((name) => ` ${name}`).join("\n")}`);
    // Even a single one is told as one of many, as kubectl does.
    if (failures.length > 0)
      throw new AggregateError(failures.flatMap((one) => (one instanceof AggregateError ? one.errors : [one])));
    return 0;
  },
});

interface DrainRequest {
  readonly policy: DrainPolicy;
  readonly podSelector: string | undefined;
  /** How many pods to ask for at a time; 0 is all. */
  readonly chunkSize: number;
  readonly gracePeriodSeconds: number | undefined;
  readonly evicts: boolean;
  readonly timeoutMs: number;
  readonly timeoutText: string;
  readonly dryRun: DryRun;
}

/** Several errors as Go shows them in one line. */
function aggregateText(error: unknown): string {
  if (!(error instanceof AggregateError)) return errorMessage(error);
  return `[${error.errors.map((one) => errorMessage(one)).join(", ")}]`;
}

async function emptyNode(node: string, request: DrainRequest, env: CommandEnv): Promise<void> {
  const { pods, warnings, errors } = await podsOf(node, request, env);
  throwAll(errors.map((text) => new UsageError(text)));
  if (warnings) env.terminal.warn(`Warning: ${warnings}`);
  if (request.dryRun === "client") {
    for (const { metadata } of pods)
      await env.terminal.write(`evicting pod ${metadata.namespace}/${metadata.name} (dry run)\n`);
    return;
  }
  const ending = new AbortController();
  const cancelTimeout = env.clock.schedule(request.timeoutMs, () => ending.abort(new Error("global timeout reached")));
  const signal = AbortSignal.any([env.signal, ending.signal]);
  try {
    const results = await withProgress(env, async ({ show }) => {
      let gone = 0;
      const tell = () => show(`node/${node}: ${gone} of ${pods.length} pods gone`);
      tell();
      return await Promise.allSettled(
        pods.map(async (pod) => {
          await removePod(pod, request, { env, signal, timedOut: () => ending.signal.aborted });
          gone++;
          tell();
        }),
      );
    });
    throwAll(results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : [])));
  } catch (error) {
    const rest = await podsOf(node, request, env);
    if (rest.pods.length > 0)
      env.terminal.warn(
        `There are pending pods in node "${node}" when an error occurred: ${aggregateText(error)}\n${rest.pods.map(({ metadata }) => `pod/${metadata.name}`).join("\n")}`,
      );
    throw error;
  } finally {
    cancelTimeout();
  }
}

async function podsOf(node: string, request: DrainRequest, env: CommandEnv): Promise<DrainChoice> {
  const client = await env.client();
  const { signal } = env;
  const fieldSelector = `spec.nodeName=${node}`;
  const items: Pod[] = [];
  const page = { fieldSelector, labelSelector: request.podSelector, limit: request.chunkSize || undefined, signal };
  for (let next: string | undefined = ""; next !== undefined; ) {
    const list: KubeList<Pod> = await client.list(podKind, { ...page, continue: next || undefined });
    items.push(...list.items);
    next = list.metadata.continue || undefined;
  }
  const owned = items.some(({ metadata }) => metadata.ownerReferences?.some(({ kind }) => kind === "DaemonSet"));
  const sets = owned ? (await client.list(daemonSet, { signal })).items : [];
  const names = new Set(sets.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  return choosePods(items, names, request.policy, env.clock.now());
}

interface Removal {
  readonly env: CommandEnv;
  readonly signal: AbortSignal;
  timedOut(): boolean;
}

/** Evicts a pod, again while a disruption budget forbids it, and waits until it is gone. */
async function removePod(pod: Pod, request: DrainRequest, { env, signal, timedOut }: Removal): Promise<void> {
  const { name = "", namespace = "" } = pod.metadata;
  const print = await linePrinter(request.dryRun, env);
  try {
    if (request.evicts) await evict(pod, request, { env, signal, timedOut });
    else await deletePod(pod, request, env, signal);
    if (request.dryRun === "server") return;
    const skip = request.policy.skipEndingAfterSeconds;
    const client = await env.client();
    await waitFor(
      client,
      podKind,
      { namespace, name },
      {
        predicate: ({ metadata }) =>
          metadata.uid !== pod.metadata.uid ||
          (skip > 0 &&
            metadata.deletionTimestamp !== undefined &&
            env.clock.now() - Date.parse(metadata.deletionTimestamp) > skip * 1000),
        timeoutMs: request.timeoutMs,
        clock: env.clock,
        signal,
      },
    ).catch(ignoreReason("NotFound"));
    await print({ ...pod, apiVersion: "v1", kind: "Pod" }, request.evicts ? "evicted" : "deleted");
  } catch (error) {
    if (timedOut() && !env.signal.aborted)
      throw new UsageError(
        `error when evicting pods/"${name}" -n "${namespace}": global timeout reached: ${request.timeoutText}`,
      );
    throw error;
  }
}

async function deletePod(
  { metadata }: Pod,
  request: DrainRequest,
  env: CommandEnv,
  signal: AbortSignal,
): Promise<void> {
  const { name = "", namespace } = metadata;
  const client = await env.client();
  const { gracePeriodSeconds, dryRun } = request;
  await client
    .delete(podKind, { namespace, name }, { gracePeriodSeconds, dryRun: dryRun === "server", signal })
    .catch(ignoreReason("NotFound"));
}

async function evict(pod: Pod, request: DrainRequest, { env, signal }: Removal): Promise<void> {
  const { name = "", namespace = "" } = pod.metadata;
  const { gracePeriodSeconds, dryRun } = request;
  const server = dryRun === "server";
  const eviction = {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name, namespace },
    deleteOptions: compact({ gracePeriodSeconds, dryRun: server ? ["All"] : undefined }),
  };
  const client = await env.client();
  for (;;) {
    await env.terminal.write(`evicting pod ${namespace}/${name}${server ? " (server dry run)" : ""}\n`);
    try {
      await client.create(podKind, asObject<Pod>(eviction), { subresource: "eviction", signal });
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (isReason(error, "NotFound")) return;
      const ends = isReason(error, "Forbidden") && endsWithNamespace(error);
      if (ends && pod.metadata.deletionTimestamp !== undefined) return;
      if (!ends && !isReason(error, "TooManyRequests"))
        throw new UsageError(`error when evicting pods/"${name}" -n "${namespace}": ${errorMessage(error)}`);
      env.terminal.warn(
        ends
          ? `error when evicting pod "${name}" from terminating namespace "${namespace}" (will retry after 5s): ${errorMessage(error)}`
          : `error when evicting pods/"${name}" -n "${namespace}" (will retry after 5s): ${errorMessage(error)}`,
      );
      await env.clock.sleep(retryMs, { signal });
    }
  }
}

function endsWithNamespace({ status }: StatusError): boolean {
  return status.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") ?? false;
}
