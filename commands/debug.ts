import { asJson } from "../core/api/json_object.ts";
import { type KubeObject, keyOf } from "../core/api/meta.ts";
import { randomSuffix } from "../core/api/safe_letters.ts";
import type { Client } from "../core/client/client.ts";
import { podResource } from "../core/client/resources.ts";
import type { Container, EphemeralContainer, Pod } from "../core/kinds/pod.ts";
import { readCustomProfile } from "./debug/custom_profile.ts";
import {
  type DebugRequest,
  ephemeralContainer,
  hasContainer,
  losesCapabilities,
  nodePod,
  podCopy,
} from "./debug/generate.ts";
import { isProfile } from "./debug/profiles.ts";
import type { CommandEnv } from "./env.ts";
import { objectOf } from "./pods.ts";
import { attachAndWait } from "./run/attach_and_wait.ts";
import { isImageName } from "./run/image_name.ts";
import { findTargets } from "./targets.ts";
import { defineVerb, type FlagTable, type FlagValues, UsageError, type Verb } from "./verb.ts";

const copyOnly = "with --copy-to";
const flags = {
  image: { type: "string", placeholder: "image", description: "Image of the container that debugs." },
  filename: { type: "list", short: "f", placeholder: "path", description: "File that has the pod or node." },
  container: { type: "string", short: "c", placeholder: "name", description: "Name of that container." },
  target: { type: "string", placeholder: "name", description: "Container of the pod whose processes it sees." },
  profile: {
    type: "string",
    default: "general",
    placeholder: "name",
    description: "What it may do: legacy, general, baseline, restricted, netadmin or sysadmin.",
  },
  custom: {
    type: "string",
    placeholder: "path",
    description: "File with part of a container, as JSON or YAML: it is merged over what the profile makes.",
  },
  env: { type: "list", placeholder: "pair", description: "Variable of the container, as NAME=VALUE." },
  "image-pull-policy": { type: "string", placeholder: "policy", description: "Always, IfNotPresent or Never." },
  "arguments-only": { type: "boolean", description: "What stands behind -- are arguments, not the command." },
  stdin: { type: "boolean", short: "i", description: "Pass standard input on." },
  tty: { type: "boolean", short: "t", description: "Give the container a terminal." },
  attach: { type: "boolean", description: "Wait until it runs, and attach to it; default with -i." },
  quiet: { type: "boolean", short: "q", description: "Print only what the container writes." },
  "copy-to": { type: "string", placeholder: "name", description: "Make a copy of the pod, and leave the pod alone." },
  replace: { type: "boolean", description: `Delete the pod; ${copyOnly}.` },
  "same-node": { type: "boolean", description: `Run the copy on the node of the pod; ${copyOnly}.` },
  "set-image": { type: "list", placeholder: "pair", description: `New image, as container=image; ${copyOnly}.` },
  "share-processes": {
    type: "boolean",
    default: true,
    description: `Containers of the copy see each other's processes; ${copyOnly}.`,
  },
  "keep-labels": { type: "boolean", description: `Keep the pod's labels; ${copyOnly}.` },
  "keep-annotations": { type: "boolean", description: `Keep its annotations; ${copyOnly}.` },
  "keep-liveness": { type: "boolean", description: `Keep its liveness probes; ${copyOnly}.` },
  "keep-readiness": { type: "boolean", description: `Keep its readiness probes; ${copyOnly}.` },
  "keep-startup": { type: "boolean", description: `Keep its startup probes; ${copyOnly}.` },
  "keep-init-containers": {
    type: "boolean",
    default: true,
    description: `Run its init containers; ${copyOnly}.`,
  },
} as const satisfies FlagTable;

type Values = FlagValues<typeof flags>;

/** Looks into a pod or a node with a container made for it. */
export const debug: Verb = defineVerb({
  name: "debug",
  group: "Look inside",
  summary: "Debug a pod or a node with a container made for it.",
  words: "[targets...]",
  takesCommand: true,
  flags,
  examples: [
    ["A shell in a running pod", "wherry debug -it web --image=busybox --profile=general"],
    ["A copy of it with another command", "wherry debug -it web --copy-to=web-debug -c main -- sh"],
    ["A shell on a node", "wherry debug -it node/one --image=busybox --profile=sysadmin"],
  ],
  async run({ flags, given, words, literal, env }) {
    const attach = given.has("attach") ? flags.attach : flags.stdin;
    if (!isProfile(flags.profile)) throw new UsageError(`unknown profile: ${flags.profile}`);
    const request: DebugRequest = {
      flags,
      shareGiven: given.has("share-processes"),
      env: pairs(flags.env, "env").map(([name, value]) => ({ name, value })),
      images: new Map(pairs(flags["set-image"], "set-image")),
      args: literal,
      custom: flags.custom ? await readCustomProfile(flags.custom) : undefined,
    };
    check(flags, request, words, attach && given.has("attach"));
    const { terminal } = env;
    if (flags.target && !flags.quiet)
      await terminal.write(
        `Targeting container ${JSON.stringify(flags.target)}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`,
      );
    if (flags.profile === "legacy")
      terminal.warn(
        '--profile=legacy is deprecated and planned to be removed in v1.39. It is recommended to specify other profile, for example "--profile=general".',
      );
    const client = await env.client();
    const debugAndAttach = async (object: KubeObject) => {
      const { pod, container } = await debugOne(client, object, request, flags, env);
      if (attach && container !== undefined)
        await attachAndWait(client, pod, { ...flags, container, timeoutMs: never }, env);
    };
    if (flags.filename.length === 0) {
      for (const word of words) await debugAndAttach(await objectOf(client, [word], env));
      return 0;
    }
    // As kubectl, the object is taken as the file has it.
    const named = words.map((word) => (word.includes("/") ? word : `pods/${word}`));
    const manifests = { filename: flags.filename, recursive: false };
    const targets = await findTargets({ words: named, manifests }, env);
    await targets.visitLoaded(async ({ object, key }) =>
      debugAndAttach({
        ...object,
        metadata: { ...object.metadata, ...(key.namespace ? { namespace: key.namespace } : {}) },
      }),
    );
    return 0;
  },
});

const never = 2 ** 31 - 1;

/** Whether the flags fit together. @throws UsageError with kubectl's words */
function check(flags: Values, { args, images }: DebugRequest, words: readonly string[], attachSaid: boolean): void {
  if (attachSaid && !flags.image && !flags.container)
    throw new UsageError("you must specify --container or create a new container using --image in order to attach.");
  if (flags["copy-to"]) {
    if (!flags.image && images.size === 0 && args.length === 0)
      throw new UsageError("you must specify --image, --set-image or command arguments.");
    if (args.length > 0 && !flags.container && !flags.image)
      throw new UsageError("you must specify an existing container or a new image when specifying args.");
  } else {
    const alone = flags.replace ? "replace" : flags["same-node"] ? "same-node" : images.size > 0 ? "set-image" : "";
    if (alone) throw new UsageError(`--${alone} may only be used with --copy-to.`);
    if (!flags.image) throw new UsageError("you must specify --image when not using --copy-to.");
  }
  if (flags.image && !isImageName(flags.image))
    throw new UsageError(`invalid image name ${JSON.stringify(flags.image)}: invalid reference format`);
  if (words.length === 0 && flags.filename.length === 0) throw new UsageError("NAME or filename is required for debug");
  if (!["", "Always", "IfNotPresent", "Never"].includes(flags["image-pull-policy"] ?? ""))
    throw new UsageError(`invalid image pull policy: ${flags["image-pull-policy"]}`);
  for (const [name, image] of images)
    if (!isImageName(image))
      throw new UsageError(
        `invalid image name ${JSON.stringify(image)} for container ${JSON.stringify(name)}: invalid reference format`,
      );
  if (flags.target && flags["copy-to"])
    throw new UsageError("--target is incompatible with --copy-to. Use --share-processes instead.");
  if (flags.tty && !flags.stdin) throw new UsageError("-i/--stdin is required for containers with -t/--tty=true");
}

function pairs(values: readonly string[], flag: string): readonly (readonly [string, string])[] {
  return values
    .flatMap((value) => value.split(","))
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0)
        throw new UsageError(
          `invalid argument ${JSON.stringify(pair)} for "--${flag}" flag: ${pair} must be formatted as key=value\nSee 'wherry debug --help' for usage.`,
        );
      return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
    });
}

/** What was made of one object, and the container of it to attach to. */
interface Debugged {
  readonly pod: Pod;
  readonly container: string | undefined;
}

async function debugOne(
  client: Client,
  object: KubeObject,
  request: DebugRequest,
  flags: Values,
  env: CommandEnv,
): Promise<Debugged> {
  const say = async (line: string) => (flags.quiet ? undefined : await env.terminal.write(`${line}\n`));
  if (object.kind === "Node") {
    const node = object.metadata.name ?? "";
    const [name, container] = [`node-debugger-${node}-${randomSuffix(env.random)}`, flags.container || "debugger"];
    await say(`Creating debugging pod ${name} with container ${container} on node ${node}.`);
    const wanted = nodePod(node, name, container, request);
    const placed = { ...wanted, metadata: { ...wanted.metadata, namespace: await env.namespace() } };
    return { pod: await client.create(podResource, placed, { signal: env.signal }), container };
  }
  if (object.kind !== "Pod") {
    const version = object.apiVersion.includes("/") ? object.apiVersion : `/${object.apiVersion}`;
    throw new UsageError(`"${version}, Kind=${object.kind}" not supported by debug`);
  }
  const pod = object as Pod;
  let chosen = flags.container ?? "";
  while (chosen === "" || (!flags.container && hasContainer(pod, chosen)))
    chosen = `debugger-${randomSuffix(env.random)}`;
  const tellName = () => say(`Defaulting debug container name to ${chosen}.`);
  if (flags["copy-to"]) return await copyOf(client, pod, request, { chosen, tellName, replace: flags.replace }, env);
  if (!flags.container) await tellName();
  const looking: EphemeralContainer = ephemeralContainer(chosen, request);
  tellLostCapabilities(looking, pod, env);
  const body = { spec: { ephemeralContainers: [asJson(looking)] } };
  const options = { subresource: "ephemeralcontainers", signal: env.signal };
  const changed = await client.patch(podResource, keyOf(pod), { type: "strategic", body }, options);
  return { pod: changed, container: chosen };
}

async function copyOf(
  client: Client,
  pod: Pod,
  request: DebugRequest,
  how: { readonly chosen: string; readonly tellName: () => Promise<void>; readonly replace: boolean },
  env: CommandEnv,
): Promise<Debugged> {
  const { signal } = env;
  let named = false;
  const copy = podCopy(pod, request, () => {
    named = true;
    return how.chosen;
  });
  if (named) await how.tellName();
  const looking = copy.pod.spec.containers.find(({ name }) => name === copy.container);
  if (looking) tellLostCapabilities(looking, copy.pod, env);
  const created = await client.create(podResource, copy.pod, { signal });
  if (how.replace) await client.delete(podResource, keyOf(pod), { gracePeriodSeconds: 0, signal });
  return { pod: created, container: copy.container };
}

function tellLostCapabilities(container: Container, pod: Pod, env: CommandEnv): void {
  if (losesCapabilities(container, pod))
    env.terminal.warn(
      'Warning: Non-root user is configured for the entire target Pod, and some capabilities granted by debug profile may not work. Please consider using "--custom" with a custom profile that specifies "securityContext.runAsUser: 0".',
    );
}
