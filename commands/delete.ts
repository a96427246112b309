import type { KubeObject } from "../core/api/meta.ts";
import type { Status } from "../core/api/status.ts";
import { isReason } from "../core/api/status.ts";
import { waitFor } from "../core/client/wait_for.ts";
import { throwAll } from "./all_errors.ts";
import { confirm } from "./delete/confirm.ts";
import { tellTakenAlong } from "./delete/taken_along.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { manifestFlags } from "./manifests.ts";
import { kindName } from "./output/format.ts";
import { withProgress } from "./progress.ts";
import { checkRaw, sendRaw } from "./raw.ts";
import { findTargets, type Target, type Targets, withSource } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { type DryRun, dryRunFlag, dryRunOf, dryRunSuffix, propagationOf, selectorFlags } from "./write_flags.ts";

const weekMs = 7 * 24 * 3600_000;

/** Deletes objects and waits until they are gone. */
export const deleteVerb: Verb = defineVerb({
  name: "delete",
  group: "Change",
  summary: "Delete objects, and wait until they are gone.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    ...dryRunFlag,
    ...selectorFlags,
    all: { type: "boolean", description: "All objects of the type in the namespace." },
    "all-namespaces": { type: "boolean", short: "A", description: "In all namespaces." },
    "grace-period": {
      type: "number",
      default: -1,
      placeholder: "seconds",
      description: "Seconds that a pod gets to end; 1 with --now, 0 only with --force.",
    },
    now: { type: "boolean", description: "The same as --grace-period=1." },
    force: { type: "boolean", description: "With --grace-period=0: forget the object at once." },
    cascade: {
      type: "string",
      default: "background",
      implied: "background",
      placeholder: "mode",
      description: "What happens to what it owns: background, foreground or orphan.",
    },
    wait: { type: "boolean", default: true, description: "Wait until the objects are gone." },
    timeout: {
      type: "duration",
      default: "0s",
      placeholder: "duration",
      description: "How long to wait at most, e.g. 30s; 0: as long as it takes.",
    },
    "ignore-not-found": { type: "boolean", description: "A missing object is no error." },
    interactive: { type: "boolean", short: "i", description: "Show what would be deleted, and ask." },
    output: { type: "string", short: "o", placeholder: "name", description: "With name: print names only." },
    raw: { type: "string", placeholder: "path", description: "Delete this path of the API." },
  },
  examples: [
    ["Delete a deployment", "wherry delete deploy web"],
    ["Delete what a file describes", "wherry delete -f web.yaml"],
  ],
  async run({ flags, given, words, env }) {
    const propagationPolicy = propagationOf(flags.cascade, env);
    const gracePeriodSeconds = gracePeriod(flags);
    const dryRun = dryRunOf(flags, env);
    const targets = flags.raw
      ? undefined
      : await findTargets(
          {
            words,
            manifests: flags,
            selector: flags.selector,
            fieldSelector: flags["field-selector"],
            everything: flags.all,
            allNamespaces: flags["all-namespaces"],
          },
          env,
        );
    checkFlags(flags, gracePeriodSeconds, env);
    if (!targets) {
      checkRaw(flags.raw ?? "", flags);
      return await sendRaw("DELETE", flags.raw ?? "", flags.filename[0], env);
    }
    const some = flags.all || flags.selector || flags["field-selector"];
    const tellsMore = propagationPolicy !== "Orphan" && dryRun === "none";
    const options: DeleteOptions = {
      gracePeriodSeconds,
      propagationPolicy,
      dryRun,
      ignoreNotFound: given.has("ignore-not-found") ? flags["ignore-not-found"] : Boolean(some),
      nameOnly: flags.output === "name",
      warnsOfClusterScope: env.namespaceGiven && !flags["all-namespaces"],
      waitMs: flags.wait && dryRun === "none" ? parseDuration(flags.timeout) || weekMs : 0,
    };
    if (!flags.interactive) {
      await deleteTargets(targets, { ...options, tellsMore }, env);
      return 0;
    }
    const confirmed = await confirm(targets, tellsMore, env);
    if (confirmed) await deleteTargets(confirmed, options, env);
    return 0;
  },
});

/** How {@linkcode deleteTargets} deletes. */
export interface DeleteOptions {
  /** Below 0: as long as the object says. */
  readonly gracePeriodSeconds: number;
  readonly propagationPolicy: ReturnType<typeof propagationOf>;
  readonly dryRun: DryRun;
  readonly ignoreNotFound: boolean;
  readonly nameOnly: boolean;
  /** Whether to say that objects of no namespace are deleted though one was named. */
  readonly warnsOfClusterScope: boolean;
  /** Whether a person is told what else goes with them. Default false. */
  readonly tellsMore?: boolean;
  /** How long to wait until they are gone; 0: not at all. */
  readonly waitMs: number;
}

/** Deletes each, says so, and waits until all are gone. @throws what failed */
export async function deleteTargets(
  targets: Pick<Targets, "visit">,
  options: DeleteOptions,
  env: CommandEnv,
): Promise<void> {
  const client = await env.client();
  const { gracePeriodSeconds, propagationPolicy, dryRun } = options;
  const deleted: { readonly target: Target; readonly uid: string | undefined }[] = [];
  let warns = options.warnsOfClusterScope;
  let found = 0;
  const tellMore = options.tellsMore ? tellTakenAlong(env) : undefined;
  const visit = async (target: Target) => {
    const { resource, key, source } = target;
    found++;
    if (warns && !resource.namespaced) {
      env.terminal.warn("Warning: deleting cluster-scoped resources, not scoped to the provided namespace");
      warns = false;
    }
    if (dryRun === "client") return await tell(target, options, env);
    await tellMore?.(target);
    try {
      const answer = await client.delete(resource, key, {
        gracePeriodSeconds: gracePeriodSeconds < 0 ? undefined : gracePeriodSeconds,
        propagationPolicy,
        dryRun: dryRun === "server",
        signal: env.signal,
      });
      await tell(target, options, env);
      deleted.push({ target, uid: uidOf(answer) });
    } catch (error) {
      throw withSource(error, "deleting", source);
    }
  };
  try {
    await targets.visit(visit);
  } catch (error) {
    const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    throwAll(options.ignoreNotFound ? errors.filter((one) => !isReason(one, "NotFound")) : errors);
  }
  if (found === 0) await env.terminal.write("No resources found\n");
  if (options.waitMs === 0) return;
  await withProgress(env, ({ show }) => untilGone(deleted, { timeoutMs: options.waitMs, show }, env));
}

async function tell(
  target: Target,
  { nameOnly, gracePeriodSeconds, dryRun }: DeleteOptions,
  env: CommandEnv,
): Promise<void> {
  const { namespace, name } = target.key;
  const what = kindName(target.resource);
  if (nameOnly) return await env.terminal.write(`${what}/${name}\n`);
  const verb = gracePeriodSeconds === 0 ? "force deleted" : "deleted";
  const from = target.resource.namespaced ? ` from ${namespace} namespace` : "";
  await env.terminal.write(`${what} "${name}" ${verb}${from}${dryRunSuffix(dryRun)}\n`);
}

function gracePeriod(flags: {
  readonly "grace-period": number;
  readonly now: boolean;
  readonly force: boolean;
}): number {
  const { "grace-period": seconds, now, force } = flags;
  if (now && seconds !== -1) throw new UsageError("--now and --grace-period cannot be specified together");
  if (now) return 1;
  // Without --force nothing is forgotten while it may still run.
  if (seconds === 0 && !force) return 1;
  return force && seconds < 0 ? 0 : seconds;
}

function checkFlags(
  flags: {
    readonly output: string | undefined;
    readonly all: boolean;
    readonly selector: string | undefined;
    readonly "field-selector": string | undefined;
    readonly force: boolean;
    readonly interactive: boolean;
    readonly raw: string | undefined;
  },
  gracePeriodSeconds: number,
  env: CommandEnv,
): void {
  if (flags.output && flags.output !== "name")
    throw new UsageError(`unexpected -o output mode: ${flags.output}. We only support '-o name'`);
  if (flags.all && flags.selector) throw new UsageError("cannot set --all and --selector at the same time");
  if (flags.all && flags["field-selector"])
    throw new UsageError("cannot set --all and --field-selector at the same time");
  if (flags.force && gracePeriodSeconds > 0)
    throw new UsageError("--force and --grace-period greater than 0 cannot be specified together");
  if (flags.force && gracePeriodSeconds === 0)
    env.terminal.warn(
      "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.",
    );
  if (flags.raw && flags.interactive) throw new UsageError("--interactive can not be used with --raw");
}

function uidOf(answer: KubeObject | Status): string | undefined {
  return answer.kind === "Status" ? (answer as Status).details?.uid : (answer as KubeObject).metadata.uid;
}

async function untilGone(
  deleted: readonly { readonly target: Target; readonly uid: string | undefined }[],
  { timeoutMs, show }: { readonly timeoutMs: number; show(text: string): void },
  env: CommandEnv,
): Promise<void> {
  const client = await env.client();
  const end = env.clock.monotonic() + timeoutMs;
  for (const [index, { target, uid }] of deleted.entries()) {
    const { resource, key } = target;
    show(`${index} of ${deleted.length} gone, waiting for the end of ${resource.plural}/${key.name}`);
    try {
      // An object of the same name with another uid is not the one that was deleted.
      await waitFor(client, resource, key, {
        predicate: (object) => uid !== undefined && object.metadata.uid !== uid,
        timeoutMs: Math.max(1, end - env.clock.monotonic()),
        clock: env.clock,
        signal: env.signal,
      });
    } catch (error) {
      if (isReason(error, "Timeout"))
        throw new UsageError(`timed out waiting for the condition on ${resource.plural}/${key.name}`);
      // Who may not look, or cannot watch, does not wait.
      if (!isReason(error, "NotFound") && !isReason(error, "Forbidden") && !isReason(error, "MethodNotAllowed"))
        throw error;
    }
  }
}
