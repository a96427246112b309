import { asJson } from "../core/api/json_object.ts";
import { jsonText } from "../core/api/json_text.ts";
import type { KubeObject } from "../core/api/meta.ts";
import { createMergePatch, createStrategicPatch } from "../core/api/patch/mod.ts";
import { isBuiltIn, schemaOf, withSavedConfig } from "../core/client/apply.ts";
import type { Patch } from "../core/client/client.ts";
import { recordFlag } from "./change_cause.ts";
import { objectHeading, runEditSession, withoutManagedFields } from "./edit/session.ts";
import { manifestFlags } from "./manifests.ts";
import { objectPrinter, printFlags, unknownFormat } from "./output/object_printer.ts";
import { findTargets, type LoadedTarget } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { fieldManagerFlag, fieldValidationOf, printerOptions, saveConfigFlag, validateFlag } from "./write_flags.ts";

/** Lets the user change objects in an editor. */
export const edit: Verb = defineVerb({
  name: "edit",
  group: "Change",
  summary: "Change objects in an editor.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    ...printFlags,
    ...validateFlag,
    ...saveConfigFlag,
    ...fieldManagerFlag("kubectl-edit"),
    ...recordFlag,
    "output-patch": { type: "boolean", description: "Show the patch that is sent." },
    subresource: { type: "string", placeholder: "name", description: "The part of the object to edit." },
    "windows-line-endings": { type: "boolean", description: "Lines of the file end as on Windows." },
  },
  examples: [["With another editor", "KUBE_EDITOR=nano wherry edit svc/web"]],
  async run({ flags, words, env }) {
    const fieldValidation = fieldValidationOf(flags);
    if (!["", "json", "kyaml", "yaml"].includes(flags.output ?? ""))
      throw unknownFormat(flags.output ?? "", ["json", "kyaml", "yaml"]);
    const format = flags.output === "json" ? "json" : "yaml";
    const print = await objectPrinter(flags, printerOptions("none", env));
    const { subresource } = flags;
    const found: LoadedTarget[] = [];
    const targets = await findTargets({ words, manifests: flags, typeAlone: true }, env);
    await targets.visitLoaded(async (target) => void found.push(target), { latest: true, subresource });
    if (found.length === 0) throw new UsageError("edit cancelled, no objects found");
    const namespace = await env.namespace();
    return await runEditSession(
      {
        targets: found,
        format,
        heading: objectHeading,
        windowsLineEndings: flags["windows-line-endings"],
        checkTypes: fieldValidation !== "Ignore",
        async commit(edited, { resource, key, object }) {
          const own = edited.metadata.namespace;
          if (own !== undefined && own !== namespace)
            throw new UsageError(
              `the namespace from the provided object "${own}" does not match the namespace "${namespace}". You must pass '--namespace=${own}' to perform this operation.`,
            );
          // Unless told to, the note of what was applied stays as the user leaves it: this is no configuration.
          const wanted = flags["save-config"] ? withSavedConfig(edited, true) : edited;
          const patch = patchOf(withoutManagedFields(object), wanted);
          if (flags["output-patch"]) await env.terminal.write(`Patch: ${jsonText(patch.body)}\n`);
          const client = await env.client();
          const patched = await client.patch(resource, key, patch, {
            fieldManager: flags["field-manager"],
            fieldValidation,
            subresource,
            signal: env.signal,
          });
          await print(patched, "edited");
        },
        skip: ({ object }) => print(object, "skipped"),
      },
      env,
    );
  },
});

/** What makes one object of the other. @throws UsageError when it would be another object */
function patchOf(before: KubeObject, after: KubeObject): Patch {
  if (
    before.apiVersion !== after.apiVersion ||
    before.kind !== after.kind ||
    before.metadata.name !== after.metadata.name
  )
    throw new UsageError("At least one of apiVersion, kind and name was changed");
  const [from, to] = [asJson(before), asJson(after)];
  if (!isBuiltIn(before.apiVersion)) return { type: "merge", body: createMergePatch(from, to, from) };
  return { type: "strategic", body: createStrategicPatch(from, to, from, schemaOf(before.apiVersion, before.kind)) };
}
