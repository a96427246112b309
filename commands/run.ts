import { lastAppliedAnnotation } from "../core/api/apply/apply_configuration.ts";
import { goJsonAsGiven } from "../core/api/go_json.ts";
import { asObject, isJsonObject } from "../core/api/json_object.ts";
import { readJsonText } from "../core/api/json_text.ts";
import type { ResourceType } from "../core/api/kind.ts";
import type { Json, JsonObject, KubeObject } from "../core/api/meta.ts";
import { applyJsonPatch, applyMergePatch, applyStrategicPatch } from "../core/api/patch/mod.ts";
import type { Client } from "../core/client/client.ts";
import { podResource } from "../core/client/resources.ts";
import type { Pod } from "../core/kinds/pod.ts";
import { recordFlag } from "./change_cause.ts";
import type { CommandEnv } from "./env.ts";
import { manifestFlags } from "./manifests.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { attachAndWait } from "./run/attach_and_wait.ts";
import { checkRun, podOfFlags, serviceOfFlags } from "./run/generate.ts";
import { detachKeysFlag, detachKeysOf } from "./streams/detach_keys.ts";
import { podRunningTimeoutFlag, podRunningTimeoutMs } from "./streams/running_timeout.ts";
import { defineVerb, type FlagTable, type FlagValues, requireFlags, UsageError, type Verb } from "./verb.ts";
import {
  dryRunFlag,
  dryRunOf,
  fieldManagerFlag,
  propagationOf,
  saveConfigFlag,
  structPrinterOptions,
} from "./write_flags.ts";

const noEffect = "No effect.";
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
  "override-type": {
    type: "string",
    default: "merge",
    placeholder: "type",
    description: "How: json, merge or strategic.",
  },
  stdin: { type: "boolean", short: "i", description: "Pass standard input on." },
  tty: { type: "boolean", short: "t", description: "Give the container a terminal." },
  attach: { type: "boolean", description: "Wait until the pod runs, and attach to it; default with -i." },
  cascade: {
    type: "string",
    default: "background",
    implied: "background",
    placeholder: "mode",
    description: "With --rm, what happens to what the pod owns: background, foreground or orphan.",
  },
  ...saveConfigFlag,
  // Those of kubectl's delete: kubectl's run has them too, and heeds none of them.
  ...manifestFlags,
  force: { type: "boolean", hidden: true, description: noEffect },
  "grace-period": { type: "number", default: -1, hidden: true, placeholder: "seconds", description: noEffect },
  timeout: { type: "duration", default: "0s", hidden: true, placeholder: "duration", description: noEffect },
  wait: { type: "boolean", hidden: true, description: noEffect },
  "leave-stdin-open": { type: "boolean", description: "Leave its input open after the first attach." },
  rm: { type: "boolean", description: "Delete the pod when it has ended; with --attach or -i." },
  quiet: { type: "boolean", short: "q", description: "Print only what the container writes." },
  ...detachKeysFlag,
  ...podRunningTimeoutFlag("1m0s"),
  ...dryRunFlag,
  ...fieldManagerFlag("kubectl-run"),
  ...recordFlag,
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
  async run({ flags, given, words, env }) {
    requireFlags(given, "image");
    const [name, ...args] = words;
    if (name === undefined) throw new UsageError("NAME is required for run\nSee 'wherry run -h' for help and examples");
    const dryRun = dryRunOf(flags, env);
    const attach = given.has("attach") ? flags.attach : flags.stdin;
    const propagationPolicy = propagationOf(flags.cascade, env);
    const detachKeys = detachKeysOf(flags);
    checkRun(flags, { attach, dryRun });
    const namespace = env.namespaceGiven || dryRun !== "client" ? await env.namespace() : undefined;
    const generated = podOfFlags(name, args, flags);
    const made = (object: JsonObject) =>
      placed(flags["save-config"] && dryRun !== "client" ? noted(object) : object, namespace);
    const pod = asObject<Pod>(made(overridden(generated, flags, "Pod")));
    const print = await objectPrinter(flags, structPrinterOptions(dryRun, env));
    const send = async <T extends KubeObject>(resource: ResourceType<T>, object: T): Promise<T> => {
      if (dryRun === "client") return object;
      const client = await env.client();
      const options = { dryRun: dryRun === "server", fieldManager: flags["field-manager"], signal: env.signal };
      return await client.create(resource, object, options);
    };
    if (flags.expose) {
      const service = await send(
        { group: "", version: "v1", kind: "Service", plural: "services", namespaced: true },
        asObject(made(overridden(serviceOfFlags(name, flags), flags, "Service"))),
      );
      await print(service, "created");
    }
    const created = await send(podResource, pod);
    if (!attach || dryRun !== "none") {
      if (!flags.quiet || flags.output || dryRun !== "none") await print(created, "created");
      return 0;
    }
    const client = await env.client();
    const timeoutMs = podRunningTimeoutMs(flags, "run");
    try {
      return await attachAndWait(client, created, { ...flags, timeoutMs, detachKeys }, env);
    } finally {
      if (flags.rm) await remove(client, created, { quiet: flags.quiet, propagationPolicy }, env);
    }
  },
});

function placed(object: JsonObject, namespace: string | undefined): JsonObject {
  if (namespace === undefined) return object;
  return { ...object, metadata: { ...(object["metadata"] as JsonObject), namespace } };
}

/** @throws UsageError when the overrides cannot be read or applied */
function overridden(object: JsonObject, flags: Values, kind: "Pod" | "Service"): JsonObject {
  if (!flags.overrides) return object;
  const type = flags["override-type"];
  if (type !== "json" && type !== "merge" && type !== "strategic")
    throw new UsageError(`invalid override type: ${type}`);
  let patch: Json;
  try {
    patch = readJsonText(flags.overrides);
  } catch {
    throw new UsageError("Invalid JSON Patch");
  }
  try {
    if (type === "json") return whole(applyJsonPatch(object, patch));
    if (!isJsonObject(patch)) throw new UsageError("it is no object");
    if (type === "strategic") return whole(applyStrategicPatch(object, patch, `io.k8s.api.core.v1.${kind}`));
    return whole(applyMergePatch(object, patch));
  } catch (error) {
    throw new UsageError(`Invalid JSON Patch: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Containers say what they ask for, be it nothing, as those do that kubectl reads. */
function whole(object: JsonObject): JsonObject {
  const { spec } = object;
  if (!isJsonObject(spec) || !Array.isArray(spec["containers"])) return object;
  const containers = (spec["containers"] as readonly Json[]).map((one) =>
    isJsonObject(one) ? { ...one, resources: one["resources"] ?? {} } : one,
  );
  return { ...object, spec: { ...spec, containers } };
}

/** The object with itself as annotation, in the order in which kubectl writes it. */
function noted(object: JsonObject): JsonObject {
  const metadata = isJsonObject(object["metadata"]) ? object["metadata"] : {};
  const annotations = isJsonObject(metadata["annotations"]) ? metadata["annotations"] : {};
  const note = { [lastAppliedAnnotation]: `${goJsonAsGiven(object)}\n` };
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, ...note } } };
}

interface RemoveOptions {
  readonly quiet: boolean;
  readonly propagationPolicy: ReturnType<typeof propagationOf>;
}

/** What was interrupted is cleared away as well. */
async function remove(
  client: Client,
  { metadata }: Pod,
  { quiet, propagationPolicy }: RemoveOptions,
  env: CommandEnv,
): Promise<void> {
  const { namespace = "default", name = "" } = metadata;
  await client.delete(podResource, { namespace, name }, { propagationPolicy });
  if (!quiet) await env.terminal.write(`pod "${name}" deleted from ${namespace} namespace\n`);
}
