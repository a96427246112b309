import { goQuote } from "../core/api/go_value.ts";
import { asJson, asObject, isJsonObject, jsonEqual } from "../core/api/json_object.ts";
import type { Json, JsonObject, KubeObject } from "../core/api/meta.ts";
import { applyJsonPatch, applyMergePatch, applyStrategicPatch } from "../core/api/patch/mod.ts";
import { isReason } from "../core/api/status.ts";
import { parseYaml } from "../core/api/yaml.ts";
import { isBuiltIn, schemaOf } from "../core/client/apply.ts";
import type { Patch } from "../core/client/client.ts";
import { readTextFile } from "../core/platform/files.ts";
import { errorMessage } from "../core/util/log.ts";
import { recordFlag } from "./change_cause.ts";
import { manifestFlags } from "./manifests.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { findTargets, type LoadedTarget } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { dryRunFlag, dryRunOf, fieldManagerFlag, printerOptions } from "./write_flags.ts";

const types = ["json", "merge", "strategic"] as const;
type PatchType = (typeof types)[number];

const mediaTypes: Readonly<Record<PatchType, string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
};

/** Changes fields of objects. */
export const patch: Verb = defineVerb({
  name: "patch",
  group: "Change",
  summary: "Change fields of objects by a patch.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    ...printFlags,
    ...dryRunFlag,
    ...fieldManagerFlag("kubectl-patch"),
    ...recordFlag,
    patch: { type: "string", short: "p", placeholder: "patch", description: "The patch, as JSON or YAML." },
    "patch-file": { type: "string", placeholder: "path", description: "File with the patch." },
    type: {
      type: "string",
      default: "strategic",
      placeholder: "type",
      description: "How the patch is to be read: strategic, merge or json.",
    },
    local: { type: "boolean", description: "Change what the files say, and ask no server." },
    subresource: { type: "string", placeholder: "name", description: "The part of the object to change." },
  },
  examples: [["Keep pods off a node", `wherry patch node one -p '{"spec":{"unschedulable":true}}'`]],
  async run({ flags, words, env }) {
    const dryRun = dryRunOf(flags, env);
    // As kubectl: patched, dry run or not, and each as if it were the only one: YAML documents without `---` between them.
    const printer = () => objectPrinter(flags, printerOptions("none", env));
    let print = await printer();
    if (flags.patch && flags["patch-file"]) throw new UsageError("cannot specify --patch and --patch-file together");
    if (!flags.patch && !flags["patch-file"])
      throw new UsageError("must specify --patch or --patch-file containing the contents of the patch");
    if (flags.local && words.length > 0) throw new UsageError("cannot specify --local and server resources");
    if (flags.local && dryRun === "server")
      throw new UsageError("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
    const type = types.find((one) => one === flags.type.toLowerCase());
    if (!type) throw new UsageError(`--type must be one of [${types.join(" ")}], not "${flags.type}"`);
    const body = await readPatch(flags.patch, flags["patch-file"]);
    const targets = await findTargets({ words, manifests: flags, local: flags.local }, env);
    const change = async (target: LoadedTarget) => {
      const { object } = target;
      const next =
        flags.local || dryRun === "client"
          ? patchHere(object, type, body)
          : await send(target, type, body).catch((error: unknown) => {
              if (!isReason(error, "UnsupportedMediaType")) throw error;
              const { group, version, kind } = target.resource;
              throw new UsageError(
                `${mediaTypes[type]} is not supported by ${group}/${version}, Kind=${kind}: ${error.message}`,
              );
            });
      const same = jsonEqual(asJson(object), asJson(next));
      await print(next, same ? "patched (no change)" : "patched");
      print = await printer();
    };
    const send = async ({ resource, key }: LoadedTarget, as: PatchType, patch: Json): Promise<KubeObject> =>
      await (await env.client()).patch(resource, key, { type: as, body: patch } as Patch, {
        dryRun: dryRun === "server",
        fieldManager: flags["field-manager"],
        subresource: flags.subresource,
        signal: env.signal,
      });
    const count = await targets.visitLoaded(change, { subresource: flags.subresource });
    if (count === 0) throw new UsageError("no objects passed to patch");
    return 0;
  },
});

async function readPatch(text: string | undefined, path: string | undefined): Promise<Json> {
  let source = text;
  if (path !== undefined && text === undefined) {
    source = await readTextFile(path);
    if (source === undefined)
      throw new UsageError(`unable to read patch file: open ${path}: no such file or directory`);
  }
  try {
    return parseYaml(source ?? "", "patch");
  } catch (error) {
    throw new UsageError(
      `unable to parse ${goQuote(text ?? "")}: ${errorMessage(error).replace(/^error parsing patch: error converting YAML to JSON: /, "")}`,
    );
  }
}

/** The patched object, without a server. */
function patchHere(object: KubeObject, type: PatchType, patch: Json): KubeObject {
  const from = asJson(object);
  if (type === "json") return asObject(applyJsonPatch(from, patch as unknown as readonly JsonObject[]) as JsonObject);
  if (!isJsonObject(patch)) throw new UsageError("Invalid JSON Patch");
  if (type === "merge") return asObject(applyMergePatch(from, patch) as JsonObject);
  const { apiVersion, kind } = object;
  if (!isBuiltIn(apiVersion)) {
    const [group, version] = apiVersion.split("/");
    throw new UsageError(
      `strategic merge patch is not supported for ${group}/${version}, Kind=${kind} locally, try --type merge`,
    );
  }
  return asObject(applyStrategicPatch(from, patch, schemaOf(apiVersion, kind)) as JsonObject);
}
