import type { Verb } from "../verb.ts";
import { generatorVerb, textFlag } from "./generator.ts";
import { jobPodSpec } from "./job.ts";

/** Makes a cron job. */
export const createCronJob: Verb = generatorVerb({
  name: "cronjob",
  aliases: ["cj"],
  summary: "Create a cron job.",
  flags: {
    image: textFlag("Image to run.", "image"),
    schedule: textFlag("When to run, in cron's form.", "schedule"),
    restart: textFlag("Restart policy of its pods: OnFailure or Never.", "policy"),
  },
  required: ["image", "schedule"],
  examples: [["Every five minutes", "wherry create cronjob tick --image=busybox --schedule='*/5 * * * *' -- date"]],
  namespaced: true,
  failure: "failed to create cronjob: ",
  make: ({ name, flags, literal }) => ({
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name },
    spec: {
      jobTemplate: {
        metadata: { name },
        spec: {
          template: { metadata: {}, spec: jobPodSpec(name, flags.image ?? "", literal, flags.restart || "OnFailure") },
        },
      },
      schedule: flags.schedule ?? "",
    },
    status: {},
  }),
});
