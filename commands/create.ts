import { withSavedConfig } from "../core/client/apply.ts";
import { recordFlag } from "./change_cause.ts";
import { createClusterRole } from "./create/cluster_role.ts";
import { createClusterRoleBinding } from "./create/cluster_role_binding.ts";
import { createConfigMap } from "./create/config_map.ts";
import { createCronJob } from "./create/cron_job.ts";
import { createDeployment } from "./create/deployment.ts";
import { createIngress } from "./create/ingress.ts";
import { createJob } from "./create/job.ts";
import { createNamespace } from "./create/namespace.ts";
import { createPodDisruptionBudget } from "./create/pod_disruption_budget.ts";
import { createPriorityClass } from "./create/priority_class.ts";
import { createQuota } from "./create/quota.ts";
import { createRole } from "./create/role.ts";
import { createRoleBinding } from "./create/role_binding.ts";
import { createSecret } from "./create/secret.ts";
import { createService } from "./create/service.ts";
import { createServiceAccount } from "./create/service_account.ts";
import { createToken } from "./create/token.ts";
import { namesManifests } from "./manifests.ts";
import { objectPrinter } from "./output/object_printer.ts";
import { checkRaw, sendRaw } from "./raw.ts";
import { findTargets, withSource } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import {
  dryRunOf,
  fieldManagerFlag,
  fieldValidationOf,
  printerOptions,
  selectorFlags,
  sendFlags,
} from "./write_flags.ts";

/** Makes objects: those of manifests, or one out of flags. */
export const create: Verb = defineVerb({
  name: "create",
  group: "Change",
  summary: "Create objects of manifests, or one out of flags.",
  words: "[words...]",
  flags: {
    ...sendFlags,
    ...fieldManagerFlag("kubectl-create"),
    ...recordFlag,
    selector: selectorFlags.selector,
    edit: { type: "boolean", description: "Let me change them first, in an editor." },
    "windows-line-endings": { type: "boolean", description: "With --edit: lines of the file end as on Windows." },
    raw: { type: "string", placeholder: "path", description: "Post the file to this path of the API." },
  },
  verbs: [
    createNamespace,
    createQuota,
    createSecret,
    createConfigMap,
    createServiceAccount,
    createService,
    createDeployment,
    createClusterRole,
    createClusterRoleBinding,
    createRole,
    createRoleBinding,
    createPodDisruptionBudget,
    createPriorityClass,
    createJob,
    createCronJob,
    createIngress,
    createToken,
  ],
  examples: [
    ["What a file describes", "wherry create -f web.yaml"],
    ["A deployment", "wherry create deployment web --image=nginx"],
  ],
  async run({ flags, words, env }) {
    if (words.length > 0)
      throw new UsageError(`Unexpected args: [${words.join(" ")}]\nSee 'wherry create -h' for help and examples`);
    const dryRun = dryRunOf(flags, env);
    const fieldValidation = fieldValidationOf(flags);
    const print = await objectPrinter(flags, printerOptions(dryRun, env));
    if (!namesManifests(flags)) throw new UsageError("must specify one of -f and -k");
    if (flags.raw) {
      checkRaw(flags.raw, flags, { edit: flags.edit, selector: flags.selector });
      return await sendRaw("POST", flags.raw, flags.filename[0], env);
    }
    if (flags.edit) {
      const { editBeforeCreate } = await import("./edit/before_create.ts");
      return await editBeforeCreate(flags, { dryRun, fieldValidation }, env);
    }
    const targets = await findTargets(
      { words, manifests: flags, selector: flags.selector, checkTypes: fieldValidation !== "Ignore" },
      env,
    );
    const count = await targets.visitLoaded(async ({ resource, object, source }) => {
      const { resourceVersion: _, ...metadata } = object.metadata;
      const wanted = withSavedConfig({ ...object, metadata }, flags["save-config"]);
      if (dryRun === "client") return await print(wanted, "created");
      const client = await env.client();
      try {
        const created = await client.create(resource, wanted, {
          dryRun: dryRun === "server",
          fieldManager: flags["field-manager"],
          fieldValidation,
          signal: env.signal,
        });
        await print(created, "created");
      } catch (error) {
        throw withSource(error, "creating", source);
      }
    });
    if (count === 0) throw new UsageError("no objects passed to create");
    return 0;
  },
});
