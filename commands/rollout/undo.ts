import { lastAppliedAnnotation } from "../../core/api/apply/apply_configuration.ts";
import { asJson } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import type { Patch } from "../../core/client/client.ts";
import type { Deployment } from "../../core/kinds/deployment.ts";
import { sameTemplate, withoutHash } from "../../core/kinds/same_template.ts";
import { describePodTemplate } from "../describe/pod_template.ts";
import type { CommandEnv } from "../env.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import type { LoadedTarget } from "../targets.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { type DryRun, dryRunFlag, dryRunOf, structPrinterOptions } from "../write_flags.ts";
import { noHistory } from "./progress.ts";
import { type Revision, revisionsOf, templateOf } from "./revisions.ts";
import { workloadFlags, workloads } from "./targets.ts";

/** Annotations that stay the deployment's own. */
const kept: ReadonlySet<string> = new Set([
  lastAppliedAnnotation,
  "deployment.kubernetes.io/revision",
  "deployment.kubernetes.io/revision-history",
  "deployment.kubernetes.io/desired-replicas",
  "deployment.kubernetes.io/max-replicas",
  "deprecated.deployment.rollback.to",
]);

/** Goes back to an earlier revision. */
export const undo: Verb = defineVerb({
  name: "undo",
  group: "Roll out",
  summary: "Go back to an earlier revision.",
  words: "[type] [names...]",
  flags: {
    ...workloadFlags,
    ...printFlags,
    ...dryRunFlag,
    "to-revision": {
      type: "number",
      default: 0,
      placeholder: "n",
      description: "Revision to go back to; default: the one before.",
    },
  },
  examples: [
    ["The one before", "wherry rollout undo deploy/web"],
    ["A certain one", "wherry rollout undo deploy/web --to-revision=3"],
  ],
  async run({ flags, words, env }) {
    const dryRun = dryRunOf(flags, env);
    const print = await objectPrinter(flags, structPrinterOptions(dryRun, env));
    const targets = await workloads(flags, words, env);
    await targets.visitLoaded(
      async (target) => {
        const { object, resource, key } = target;
        if (object.metadata.annotations?.[lastAppliedAnnotation] !== undefined)
          env.terminal.warn(
            `Warning: resource ${resource.plural}/${key.name} was previously managed with 'kubectl apply'. Rolling back will not update the ${lastAppliedAnnotation} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.`,
          );
        await print(object, await rollBack(target, flags["to-revision"], dryRun, env));
      },
      { latest: true },
    );
    return 0;
  },
});

/** Puts a workload back to a revision; 0 is the one before. @returns what became of it */
async function rollBack(target: LoadedTarget, wanted: number, dryRun: DryRun, env: CommandEnv): Promise<string> {
  const { object, resource, key } = target;
  if (!["Deployment", "DaemonSet", "StatefulSet"].includes(object.kind)) throw noHistory(object, "rollbacker");
  if (wanted < 0) throw new UsageError(`unable to find specified revision ${wanted} in history`);
  const client = await env.client();
  const revision = choose(object, await revisionsOf(client, target, env), wanted);
  const { template } = revision;
  if (dryRun === "client") {
    const described = describePodTemplate(template);
    return object.kind === "Deployment" ? described : `will roll back to ${described}`;
  }
  if (object.kind === "Deployment" && (object as Deployment).spec.paused)
    throw new UsageError(
      "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
    );
  if (sameTemplate(template, templateOf(asJson(object))))
    return `skipped rollback (current template already matches revision ${wanted})`;
  await client.patch(resource, key, restoring(object, revision), { dryRun: dryRun === "server", signal: env.signal });
  return "rolled back";
}

function choose({ kind, metadata }: KubeObject, revisions: readonly Revision[], wanted: number): Revision {
  const found = wanted > 0 ? revisions.find(({ number }) => number === wanted) : revisions.at(-2);
  if (found) return found;
  if (wanted > 0) throw new UsageError(`unable to find specified revision ${wanted} in history`);
  throw new UsageError(
    kind === "Deployment"
      ? `no rollout history found for deployment "${metadata.name}"`
      : "no last revision to roll back to",
  );
}

function restoring(object: KubeObject, { template, annotations, patch }: Revision): Patch {
  if (patch) return { type: "strategic", body: patch };
  const own = Object.entries(object.metadata.annotations ?? {}).filter(([name]) => kept.has(name));
  const old = Object.entries(annotations).filter(([name]) => !kept.has(name));
  const body: readonly JsonObject[] = [
    { op: "replace", path: "/spec/template", value: asJson(withoutHash(template)) },
    { op: "replace", path: "/metadata/annotations", value: Object.fromEntries([...own, ...old]) },
  ];
  return { type: "json", body };
}
