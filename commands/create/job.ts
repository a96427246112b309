import { asJson } from "../../core/api/json_object.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { type CronJob, cronJob } from "../../core/kinds/cron_job.ts";
import { keyIn } from "../namespaced.ts";
import { resourceNamed } from "../resource_args.ts";
import { type Call, UsageError, type Verb } from "../verb.ts";
import { generatorVerb, textFlag } from "./generator.ts";

/** Makes a job. */
export const createJob: Verb = generatorVerb({
  name: "job",
  summary: "Create a job, out of an image or a cron job.",
  flags: {
    image: textFlag("Image to run.", "image"),
    from: textFlag("Cron job whose template to use, e.g. cronjob/backup.", "object"),
  },
  examples: [["Run a cron job now", "wherry create job backup-now --from=cronjob/backup"]],
  namespaced: true,
  failure: "failed to create job: ",
  async make({ name, flags, literal, env }) {
    if (Boolean(flags.image) === Boolean(flags.from))
      throw new UsageError("either --image or --from must be specified");
    if (literal.length > 0 && flags.from) throw new UsageError("cannot specify --from and command");
    const head = { apiVersion: "batch/v1", kind: "Job" };
    if (flags.from) return { ...head, ...(await likeCronJob(name, flags.from, env)), status: {} };
    return {
      ...head,
      metadata: { name },
      spec: { template: { metadata: {}, spec: jobPodSpec(name, flags.image ?? "", literal, "Never") } },
      status: {},
    };
  },
});

/** The pods of a generated job. */
export function jobPodSpec(name: string, image: string, command: readonly string[], restartPolicy: string): JsonObject {
  const container = { name, image, ...(command.length > 0 ? { command } : {}), resources: {} };
  return { containers: [container], restartPolicy };
}

async function likeCronJob(name: string, from: string, env: Call["env"]): Promise<JsonObject> {
  const client = await env.client();
  const [type = "", word] = from.split("/");
  if (word === undefined) throw new UsageError("resource(s) were provided, but no name was specified");
  const resource = await resourceNamed(client, type);
  const found = await client.get(resource, await keyIn(resource, word, env), { signal: env.signal });
  if (resource.group !== cronJob.group || resource.kind !== cronJob.kind)
    throw new UsageError(`unknown object type *${resource.version}.${resource.kind}`);
  const { metadata, spec } = found as CronJob;
  const { labels, annotations } = spec.jobTemplate.metadata ?? {};
  return {
    metadata: asJson({
      name,
      annotations: { "cronjob.kubernetes.io/instantiate": "manual", ...annotations },
      ...(labels ? { labels } : {}),
      // Not blocking its deletion: that takes a right which not everybody has who may create jobs.
      ownerReferences: [
        { apiVersion: "batch/v1", kind: "CronJob", name: metadata.name, uid: metadata.uid, controller: true },
      ],
    }),
    spec: asJson(spec.jobTemplate.spec),
  };
}
