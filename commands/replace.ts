import type { KubeObject } from "../core/api/meta.ts";
import { withSavedConfig } from "../core/client/apply.ts";
import type { Client } from "../core/client/client.ts";
import type { DiscoveredResource } from "../core/client/discovery.ts";
import { deleteTargets } from "./delete.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { namesManifests } from "./manifests.ts";
import { objectPrinter } from "./output/object_printer.ts";
import { checkRaw, sendRaw } from "./raw.ts";
import { findTargets, type LoadedTarget, withSource } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import {
  dryRunOf,
  fieldManagerFlag,
  fieldValidationOf,
  printerOptions,
  propagationOf,
  sendFlags,
} from "./write_flags.ts";

const forceTimeoutMs = 5 * 60_000;
const weekMs = 7 * 24 * 3600_000;

/** Puts whole objects in the place of those that are there. */
export const replace: Verb = defineVerb({
  name: "replace",
  group: "Change",
  summary: "Put objects of manifests in the place of those that are there.",
  words: "[words...]",
  flags: {
    ...sendFlags,
    ...fieldManagerFlag("kubectl-replace"),
    force: { type: "boolean", description: "Delete the old object first, and create the new one." },
    "grace-period": {
      type: "number",
      default: -1,
      placeholder: "seconds",
      description: "With --force: seconds that pods get to end.",
    },
    cascade: {
      type: "string",
      default: "background",
      implied: "background",
      placeholder: "mode",
      description: "With --force, what happens to what it owns: background, foreground or orphan.",
    },
    timeout: {
      type: "duration",
      default: "0s",
      placeholder: "duration",
      description:
        "With --force: how long to wait until an old object is gone; 0: five minutes, or with --wait as long as it takes.",
    },
    wait: { type: "boolean", description: "With --force: wait for an old object as long as it takes." },
    raw: { type: "string", placeholder: "path", description: "Put the file to this path of the API." },
    subresource: { type: "string", placeholder: "name", description: "The part of the object to replace." },
  },
  examples: [["By a new object", "wherry replace --force -f web.yaml"]],
  async run({ flags, words, env }) {
    const fieldValidation = fieldValidationOf(flags);
    const dryRun = dryRunOf(flags, env);
    const print = await objectPrinter(flags, printerOptions(dryRun, env));
    if (!namesManifests(flags)) throw new UsageError("must specify one of -f and -k");
    checkFlags(flags, dryRun !== "none");
    if (flags.raw) {
      checkRaw(flags.raw, flags);
      return await sendRaw("PUT", flags.raw, flags.filename[0], env);
    }
    const client = await env.client();
    const write = {
      dryRun: dryRun === "server",
      fieldManager: flags["field-manager"],
      fieldValidation,
      signal: env.signal,
    };
    const targets = await findTargets({ words, manifests: flags, checkTypes: fieldValidation !== "Ignore" }, env);
    if (flags.force) {
      await deleteOld(targets, flags, env);
      if (targets.named === 0) throw new UsageError("no objects passed to replace");
      await targets.visitLoaded(async ({ resource, object }) => {
        const wanted = withSavedConfig(withoutVersion(object), flags["save-config"]);
        await print(await client.create(resource, wanted, write), "replaced");
      });
      return 0;
    }
    await targets.visitLoaded(async ({ resource, key, object, source }: LoadedTarget) => {
      const wanted = withSavedConfig(object, flags["save-config"]);
      if (dryRun === "client") return await print(wanted, "replaced");
      try {
        const on = await onPresent(client, resource, wanted, flags.subresource, env);
        const replaced = await client.update(
          resource,
          { ...on, metadata: { ...on.metadata, name: key.name } },
          {
            ...write,
            subresource: flags.subresource,
          },
        );
        await print(replaced, "replaced");
      } catch (error) {
        throw withSource(error, "replacing", source);
      }
    });
    return 0;
  },
});

interface ReplaceFlags {
  readonly force: boolean;
  readonly "grace-period": number;
  readonly timeout: string;
  readonly wait: boolean;
  readonly cascade: string;
  readonly output: string | undefined;
}

function checkFlags(flags: ReplaceFlags, dry: boolean): void {
  if (flags["grace-period"] >= 0 && !flags.force) throw new UsageError("--grace-period must have --force specified");
  if (parseDuration(flags.timeout) !== 0 && !flags.force) throw new UsageError("--timeout must have --force specified");
  if (flags.force && dry) throw new UsageError("--dry-run can not be used when --force is set");
}

async function deleteOld(
  targets: Awaited<ReturnType<typeof findTargets>>,
  flags: ReplaceFlags,
  env: CommandEnv,
): Promise<void> {
  const propagationPolicy = propagationOf(flags.cascade, env);
  const seconds = flags["grace-period"];
  await deleteTargets(
    targets,
    {
      // What would be forgotten at once gets a second instead, and is waited for.
      gracePeriodSeconds: seconds === 0 ? 1 : seconds,
      propagationPolicy,
      dryRun: "none",
      ignoreNotFound: true,
      nameOnly: flags.output === "name",
      warnsOfClusterScope: false,
      waitMs: parseDuration(flags.timeout) || (flags.wait || seconds === 0 ? weekMs : forceTimeoutMs),
    },
    env,
  );
}

/** The object at the version that is there, unless it names one. */
async function onPresent(
  client: Client,
  resource: DiscoveredResource,
  object: KubeObject,
  subresource: string | undefined,
  env: CommandEnv,
): Promise<KubeObject> {
  if (object.metadata.resourceVersion) return object;
  const { namespace, name = "" } = object.metadata;
  const options = { signal: env.signal, ...(subresource ? { subresource } : {}) };
  // When there is none, the server says so at the write.
  const present = await client.get(resource, { namespace, name }, options).catch(() => undefined);
  const resourceVersion = present?.metadata.resourceVersion;
  return resourceVersion ? { ...object, metadata: { ...object.metadata, resourceVersion } } : object;
}

function withoutVersion(object: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
