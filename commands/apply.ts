import { keyOf } from "../core/api/meta.ts";
import { isReason } from "../core/api/status.ts";
import { apply as applyObject } from "../core/client/apply.ts";
import { manifestFlags, readManifests } from "./manifests.ts";
import { withNamespace } from "./namespaced.ts";
import { errorText } from "./output/errors.ts";
import { objectFormat, qualifiedName } from "./output/format.ts";
import { resourceOfKind } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Makes the cluster's objects what manifests say, keeping what others set. */
export const apply: Verb = defineVerb({
  name: "apply",
  group: "Change",
  summary: "Create or change objects so that they are as manifests say.",
  flags: {
    ...manifestFlags,
    "dry-run": {
      type: "string",
      placeholder: "none|server",
      implied: "server",
      description: "With server: say what would happen, change nothing.",
    },
    output: { type: "string", short: "o", placeholder: "format", description: "Output format: json, yaml or name." },
    "server-side": { type: "boolean", description: "Let the server merge, by who owns which field." },
    "force-conflicts": {
      type: "boolean",
      description: "With --server-side: take over the fields that others own.",
    },
    "field-manager": {
      type: "string",
      placeholder: "name",
      description:
        "Who is noted as owner of the fields. Default kubectl-client-side-apply, or kubectl with --server-side.",
    },
    validate: {
      type: "string",
      default: "strict",
      implied: "strict",
      placeholder: "mode",
      description: "What to do about unknown fields: strict, warn or ignore.",
    },
  },
  examples: [
    ["Apply a file", "wherry apply -f web.yaml"],
    ["Share an object with others, each with fields of their own", "wherry apply --server-side -f web.yaml"],
  ],
  async run({ flags, words, env }) {
    if (words.length > 0)
      throw new UsageError(`Unexpected args: [${words.join(" ")}]\nSee 'wherry apply -h' for help and examples`);
    if (flags.filename.length === 0) throw new UsageError("must specify -f");
    if (flags["force-conflicts"] && !flags["server-side"])
      throw new UsageError("--force-conflicts only works with --server-side");
    const dryRun = isDryRun(flags["dry-run"]);
    const client = await env.client();
    let failures = 0;
    for (const manifest of await readManifests(flags, env)) {
      try {
        const resource = await resourceOfKind(client, manifest);
        const object = await withNamespace(manifest, resource, env);
        const result = await applyObject(client, resource, object, {
          dryRun,
          serverSide: flags["server-side"],
          force: flags["force-conflicts"],
          fieldManager: flags["field-manager"],
          fieldValidation: validation(flags.validate),
          onWarning: (text) => env.terminal.warn(`Warning: ${text}`),
          signal: env.signal,
        });
        const line = `${qualifiedName(result.object)} ${result.outcome}${dryRun ? " (server dry run)" : ""}\n`;
        await env.terminal.write(flags.output ? objectFormat(flags.output)(result.object) : line);
      } catch (error) {
        // One bad object does not keep the others from being applied; all failures are told.
        if (env.signal.aborted) throw error;
        failures++;
        env.terminal.warn(errorText(error, `applying ${manifest.kind} "${keyOf(manifest).name}"`));
        if (flags["server-side"] && isReason(error, "Conflict") && error.message.startsWith("Apply failed"))
          env.terminal.warn(conflictHelp);
      }
    }
    return failures > 0 ? 1 : 0;
  },
});

const conflictHelp = `Others own these fields. Leave them out of the manifest, give them the values that they have, or take them
over with --force-conflicts. See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`;

/** Whether `--dry-run` asks for one. @throws UsageError for a value that is not known */
export function isDryRun(value: string | undefined): boolean {
  if (value === undefined || value === "none") return false;
  if (value === "server") return true;
  throw new UsageError(`Invalid dry-run value (${value}). Must be "none" or "server".`);
}

function validation(value: string): "Strict" | "Warn" | "Ignore" {
  if (value === "strict" || value === "true") return "Strict";
  if (value === "warn") return "Warn";
  if (value === "ignore" || value === "false") return "Ignore";
  throw new UsageError(`invalid - validate option "${value}"`);
}
