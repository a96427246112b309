import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { errorMessage } from "../../core/util/log.ts";
import { throwAll } from "../all_errors.ts";
import type { CommandEnv } from "../env.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { fieldManagerFlag, structPrinterOptions } from "../write_flags.ts";
import { tellNone, workloadFlags, workloads } from "./targets.ts";

/** A verb that changes workloads by one patch each. */
interface ChangingVerb {
  readonly name: string;
  readonly summary: string;
  /** What became of the workload. */
  readonly done: string;
  /** Why a workload cannot be changed so. */
  problem(object: Workload): string | undefined;
  body(env: CommandEnv): JsonObject;
}

interface Workload extends KubeObject {
  readonly spec?: { readonly paused?: boolean };
}

const restartedAt = "kubectl.kubernetes.io/restartedAt";

const kindIn = ({ apiVersion, kind }: KubeObject, kinds: readonly string[]): boolean =>
  apiVersion.startsWith("apps/") && kinds.includes(kind);

/** Replaces the pods of a workload. */
export const restart: Verb = changingVerb({
  name: "restart",
  summary: "Replace all pods, a few at a time.",
  done: "restarted",
  problem(object) {
    if (!kindIn(object, ["Deployment", "DaemonSet", "StatefulSet"])) return "restarting is not supported";
    return object.spec?.paused ? "can't restart paused deployment (run rollout resume first)" : undefined;
  },
  body: ({ clock }) => {
    const annotations = { [restartedAt]: new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z") };
    return { spec: { template: { metadata: { annotations } } } };
  },
});

/** Keeps changes from being rolled out. */
export const pause: Verb = changingVerb({
  name: "pause",
  summary: "Keep changes from being rolled out.",
  done: "paused",
  problem(object) {
    if (!kindIn(object, ["Deployment"])) return "pausing is not supported";
    return object.spec?.paused ? "is already paused" : undefined;
  },
  body: () => ({ spec: { paused: true } }),
});

/** Rolls changes out again. */
export const resume: Verb = changingVerb({
  name: "resume",
  summary: "Roll changes out again.",
  done: "resumed",
  problem(object) {
    if (!kindIn(object, ["Deployment"])) return "resuming is not supported";
    return object.spec?.paused ? undefined : "is not paused";
  },
  body: () => ({ spec: { paused: null } }),
});

function changingVerb({ name, summary, done, problem, body }: ChangingVerb): Verb {
  return defineVerb({
    name,
    group: "Roll out",
    summary,
    words: "[type] [names...]",
    flags: { ...workloadFlags, ...printFlags, ...fieldManagerFlag("kubectl-rollout") },
    examples: [["Of a deployment", `wherry rollout ${name} deploy/web`]],
    async run({ flags, words, env }) {
      const print = await objectPrinter(flags, structPrinterOptions("none", env));
      const targets = await workloads(flags, words, env);
      const client = await env.client();
      const errors: unknown[] = [];
      let count = 0;
      await targets
        .visitLoaded(
          async ({ resource, key, object }) => {
            count++;
            const why = problem(object);
            if (why !== undefined) {
              const type = resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
              errors.push(new UsageError(`error: ${type} "${key.name}" ${why}`));
              return;
            }
            const changed = await client
              .patch(
                resource,
                key,
                { type: "strategic", body: body(env) },
                {
                  fieldManager: flags["field-manager"],
                  signal: env.signal,
                },
              )
              .catch((error: unknown) => {
                throw new UsageError(`failed to patch: ${errorMessage(error)}`);
              });
            await print(changed, done);
          },
          { latest: true },
        )
        .catch((error: unknown) => errors.push(error));
      if (count === 0 && errors.length === 0) await tellNone(env);
      throwAll(errors);
      return 0;
    },
  });
}
