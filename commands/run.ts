import { asObject } from "../core/api/json_object.ts";
import { readJsonText } from "../core/api/json_text.ts";
import type { ResourceType } from "../core/api/kind.ts";
import type { JsonObject, KubeObject } from "../core/api/meta.ts";
import { applyJsonPatch } from "../core/api/patch/json_patch.ts";
import { applyMergePatch } from "../core/api/patch/merge_patch.ts";
import type { Client } from "../core/client/client.ts";
import { podResource } from "../core/client/resources.ts";
import type { Pod } from "../core/kinds/pod.ts";
import type { CommandEnv } from "./env.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { attachAndWait } from "./run/attach_and_wait.ts";
import { checkRun, podOfFlags, serviceOfFlags } from "./run/generate.ts";
import { podRunningTimeoutFlag, podRunningTimeoutMs } from "./streams/running_timeout.ts";
import { defineVerb, type FlagTable, type FlagValues, requireFlags, UsageError, type Verb } from "./verb.ts";
import { dryRunFlag, dryRunOf, fieldManagerFlag, printerOptions } from "./write_flags.ts";

const flags = {
  image: { type: "string", placeholder: "image", description: "Image of the container." },
  "image-pull-policy": { type: "string", placeholder: "policy", description: "Always, IfNotPresent or Never." },
  annotations: { type: "list", placeholder: "pair", description: "Annotation of the pod, as key=value." },
  labels: { type: "string", short: "l", placeholder: "pairs", description: "Labels of the pod; default run=NAME." },
  env: { type: "list", placeholder: "pair", description: "Variable of the container, as NAME=VALUE." },
  port: { type: "string", placeholder: "port", description: "Port that the container listens on." },
  expose: { type: "boolean", description: "Make a service for the pod too; needs --port." },
  command: { type: "boolean", description: "What stands behind -- is the command, not its arguments." },
  privileged: { type: "boolean", description: "Run the container in privileged mode." },
  restart: { type: "string", default: "Always", placeholder: "policy", description: "Always, OnFailure or Never." },
  overrides: { type: "string", placeholder: "json", description: "JSON that changes the object before it is sent." },
  "override-type": { type: "string", default: "merge", placeholder: "type", description: "How: merge or json." },
  stdin: { type: "boolean", short: "i", description: "Pass standard input on." },
  tty: { type: "boolean", short: "t", description: "Give the container a terminal." },
  attach: { type: "boolean", description: "Wait until the pod runs, and attach to it; default with -i." },
  "leave-stdin-open": { type: "boolean", description: "Leave its input open after the first attach." },
  rm: { type: "boolean", description: "Delete the pod when it has ended; with --attach or -i." },
  quiet: { type: "boolean", short: "q", description: "Print only what the container writes." },
  ...podRunningTimeoutFlag("1m0s"),
  ...dryRunFlag,
  ...fieldManagerFlag("kubectl-run"),
  ...printFlags,
} as const satisfies FlagTable;

type Values = FlagValues<typeof flags>;

/** Makes a pod of an image, and attaches to it if wanted. */
export const run: Verb = defineVerb({
  name: "run",
  group: "Change",
  summary: "Run an image in a pod.",
  words: "[name] [args...]",
  flags,
  examples: [
    ["A server", "wherry run web --image=nginx --port=80"],
    ["A shell that is gone afterwards", "wherry run -it --rm box --image=busybox --restart=Never -- sh"],
  ],
  async run({ flags, given, words, literal, env }) {
    requireFlags(given, "image");
    const [name, ...args] = [...words, ...literal];
    if (name === undefined) throw new UsageError("NAME is required for run\nSee 'wherry run -h' for help and examples");
    const dryRun = dryRunOf(flags, env);
    const attach = given.has("attach") ? flags.attach : flags.stdin;
    checkRun(flags, { attach, dryRun });
    const namespace = env.namespaceGiven || dryRun !== "client" ? await env.namespace() : undefined;
    const generated = podOfFlags(name, args, flags);
    const pod = asObject<Pod>(placed(overridden(generated, flags), namespace));
    const print = await objectPrinter(flags, printerOptions(dryRun, env));
    const send = async <T extends KubeObject>(resource: ResourceType<T>, object: T): Promise<T> => {
      if (dryRun === "client") return object;
      const client = await env.client();
      const options = { dryRun: dryRun === "server", fieldManager: flags["field-manager"], signal: env.signal };
      return await client.create(resource, object, options);
    };
    if (flags.expose) {
      const service = asObject(placed(serviceOfFlags(name, flags), namespace));
      const made = await send(
        { group: "", version: "v1", kind: "Service", plural: "services", namespaced: true },
        service,
      );
      await print(made, "created");
    }
    const created = await send(podResource, pod);
    if (!attach || dryRun !== "none") {
      if (!flags.quiet || flags.output || dryRun !== "none") await print(created, "created");
      return 0;
    }
    const client = await env.client();
    const timeoutMs = podRunningTimeoutMs(flags, "run");
    try {
      return await attachAndWait(client, created, { ...flags, timeoutMs }, env);
    } finally {
      if (flags.rm) await remove(client, created, flags, env);
    }
  },
});

function placed(object: JsonObject, namespace: string | undefined): JsonObject {
  if (namespace === undefined) return object;
  return { ...object, metadata: { ...(object["metadata"] as JsonObject), namespace } };
}

/** @throws UsageError when the overrides cannot be read or applied */
function overridden(object: JsonObject, flags: Values): JsonObject {
  if (!flags.overrides) return object;
  try {
    const patch = readJsonText(flags.overrides);
    if (flags["override-type"] === "json") return applyJsonPatch(object, patch as never);
    return applyMergePatch(object, patch as JsonObject);
  } catch (error) {
    throw new UsageError(`Invalid JSON Patch: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What was interrupted is cleared away as well. */
async function remove(client: Client, { metadata }: Pod, { quiet }: Values, env: CommandEnv): Promise<void> {
  const { namespace = "default", name = "" } = metadata;
  await client.delete(podResource, { namespace, name }, { propagationPolicy: "Background" });
  if (!quiet) await env.terminal.write(`pod "${name}" deleted from ${namespace} namespace\n`);
}
