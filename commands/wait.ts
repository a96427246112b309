import type { KubeObject } from "../core/api/meta.ts";
import { isReason } from "../core/api/status.ts";
import { waitFor } from "../core/client/wait_for.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { manifestFlags } from "./manifests.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { withProgress } from "./progress.ts";
import { findTargets, type Target, type TargetRequest, type Targets } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { type Goal, parseGoals } from "./wait/goals.ts";
import { printerOptions, selectorFlags } from "./write_flags.ts";

const weekMs = 7 * 24 * 3600_000;
const lookMs = 500;

/** Waits for a condition of objects. */
export const wait: Verb = defineVerb({
  name: "wait",
  group: "Look inside",
  summary: "Wait until objects are as wanted.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    ...printFlags,
    ...selectorFlags,
    for: {
      type: "list",
      placeholder: "what",
      description:
        "create, delete, condition=NAME[=VALUE] or jsonpath='{EXPRESSION}'[=VALUE]; several one after another.",
    },
    all: { type: "boolean", description: "All objects of the type in the namespace." },
    "all-namespaces": { type: "boolean", short: "A", description: "In all namespaces." },
    local: { type: "boolean", description: "Take the objects as the files have them." },
    timeout: {
      type: "duration",
      default: "30s",
      placeholder: "duration",
      description: "How long to wait at most; 0 looks once, below 0 waits for a week.",
    },
    "wait-missing": { type: "boolean", description: "Wait for objects that are not there yet, too." },
  },
  examples: [
    ["Until a pod is ready", "wherry wait pod/web --for=condition=Ready --timeout=60s"],
    ["Until it is there and ready", "wherry wait pod/web --for=condition=Ready --wait-missing"],
  ],
  async run({ flags, words, env }) {
    const print = await objectPrinter(flags, printerOptions("none", env));
    const goals = parseGoals(flags.for);
    const limitMs = timeoutOf(flags.timeout);
    const end = env.clock.monotonic() + limitMs;
    const left = () => (limitMs === 0 ? 0 : Math.max(1, end - env.clock.monotonic()));
    const request: TargetRequest = {
      words,
      manifests: flags,
      selector: flags.selector,
      fieldSelector: flags["field-selector"],
      typeAlone: flags.all,
      allNamespaces: flags["all-namespaces"],
      local: flags.local,
    };
    if (flags.local && flags.filename.length === 0 && !flags.kustomize)
      throw new UsageError(
        "you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'",
      );
    const deleting = goals.some(({ kind }) => kind === "delete");
    if (goals.some(({ kind }) => kind === "create") || flags["wait-missing"])
      await withProgress(env, async ({ show }) => {
        show("waiting for what is not there yet");
        await untilThere(request, { left, end, deleting }, env);
      });
    const targets = await findTargets(request, env);
    const visit = async (target: Target & { readonly object?: KubeObject }) => {
      if (!target.key.name) throw new UsageError("resource name must be provided");
      for (const goal of goals)
        await print(flags.local ? met(goal, target) : await reach(goal, target, left(), env), "condition met");
    };
    let count: number;
    try {
      count = await targets.visitLoaded(visit, { latest: true });
    } catch (error) {
      if (!deleting) throw error;
      const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
      const rest = errors.filter((one) => !isReason(one, "NotFound"));
      if (rest.length > 0) throw rest.length === 1 ? rest[0] : new AggregateError(rest);
      count = 1;
    }
    if (count === 0 && !deleting) throw new UsageError("no matching resources found");
    return 0;
  },
});

/** The object of a file, when it is as wanted. @throws UsageError when it is not, and never will be */
function met(goal: Goal, { resource, key, object }: Target & { readonly object?: KubeObject }): KubeObject {
  if (object && (goal.kind === "create" || (goal.kind !== "delete" && goal.isMet(object)))) return object;
  throw new UsageError(`condition not met for ${resource.plural || resource.kind.toLowerCase()}/${key.name}`);
}

function timeoutOf(text: string): number {
  if (/^-\d/.test(text)) return weekMs;
  return /^0+$/.test(text) ? 0 : parseDuration(text);
}

/** Looks again and again until something is there: what is named may be of any type and in any place. */
async function untilThere(
  request: TargetRequest,
  { left, end, deleting }: { left(): number; readonly end: number; readonly deleting: boolean },
  env: CommandEnv,
): Promise<void> {
  if (deleting) return;
  for (;;) {
    if (await isThere(await findTargets(request, env))) return;
    if (left() === 0 || env.clock.monotonic() >= end) throw new UsageError("timed out waiting for the condition");
    await env.clock.sleep(Math.min(lookMs, left()), { signal: env.signal });
  }
}

async function isThere(targets: Targets): Promise<boolean> {
  try {
    return (await targets.visitLoaded(async () => {}, { latest: true })) > 0;
  } catch (error) {
    const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    if (errors.every((one) => isReason(one, "NotFound"))) return false;
    throw error;
  }
}

/** Waits for one goal of one object. @returns the object as it was then */
async function reach(
  goal: Goal,
  { resource, key, object }: Target & { readonly object?: KubeObject },
  timeoutMs: number,
  env: CommandEnv,
): Promise<KubeObject> {
  const client = await env.client();
  const known: KubeObject = object ?? {
    apiVersion: resource.group ? `${resource.group}/${resource.version}` : resource.version,
    kind: resource.kind,
    metadata: { name: key.name },
  };
  if (goal.kind === "create") return known;
  const name = `${resource.plural}/${key.name}`;
  if (timeoutMs === 0) {
    const present = await client.get(resource, key, { signal: env.signal }).catch((error: unknown) => {
      if (goal.kind === "delete" && isReason(error, "NotFound")) return undefined;
      throw error;
    });
    if (present === undefined) return known;
    if (goal.kind === "delete" || !goal.isMet(present)) throw new UsageError(`condition not met for ${name}`);
    return present;
  }
  const options = { timeoutMs, clock: env.clock, signal: env.signal };
  try {
    return await withProgress(env, async ({ show }) => {
      show(`waiting for ${goal.kind === "delete" ? "the end" : goal.text} of ${name}`);
      if (goal.kind === "delete") return (await waitFor(client, resource, key, { ...options, deleted: true })) ?? known;
      return await waitFor(client, resource, key, { ...options, predicate: (present) => goal.isMet(present) });
    });
  } catch (error) {
    if (isReason(error, "Timeout")) throw new UsageError(`timed out waiting for the condition on ${name}`);
    throw error;
  }
}
