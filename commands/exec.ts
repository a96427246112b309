import type { KubeObject } from "../core/api/meta.ts";
import { keyOf } from "../core/api/meta.ts";
import type { Client } from "../core/client/client.ts";
import { CommandError, exec as execInPod } from "../core/client/exec.ts";
import { isPodTerminal } from "../core/kinds/pod_helpers.ts";
import type { CommandEnv } from "./env.ts";
import { readManifests } from "./manifests.ts";
import { containerOf, objectOf, podOf } from "./pods.ts";
import { resourceOfKind } from "./resource_args.ts";
import { podRunningTimeoutFlag, podRunningTimeoutMs } from "./streams/running_timeout.ts";
import { canUseTty, withTerminal } from "./streams/session.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Runs a command in a container; exits with its exit code. */
export const exec: Verb = defineVerb({
  name: "exec",
  group: "Look inside",
  summary: "Run a command in a container.",
  words: "[pod] [command...]",
  takesCommand: true,
  flags: {
    container: { type: "string", short: "c", placeholder: "name", description: "Container of the pod." },
    filename: { type: "list", short: "f", placeholder: "path", description: "File that names the pod or its owner." },
    stdin: { type: "boolean", short: "i", description: "Pass standard input on." },
    tty: { type: "boolean", short: "t", description: "Give the command a terminal." },
    quiet: { type: "boolean", short: "q", description: "Print only what the command writes." },
    ...podRunningTimeoutFlag("1m0s"),
  },
  examples: [
    ["A shell", "wherry exec -it deploy/web -- sh"],
    ["A command in one of several containers", "wherry exec web -c main -- date"],
  ],
  async run({ flags, words, literal, env }) {
    const [target, ...rest] = words;
    if (rest.length > 0 || (target !== undefined && flags.filename.length > 0 && literal.length === 0))
      throw new UsageError(
        "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'wherry exec -h' for help and examples",
      );
    if (target === undefined && flags.filename.length === 0)
      throw new UsageError("pod, type/name or --filename must be specified");
    if (literal.length === 0) throw new UsageError("you must specify at least one command for the container");
    const timeoutMs = podRunningTimeoutMs(flags, "exec");
    const client = await env.client();
    const object =
      target === undefined ? await objectInFile(client, flags.filename, env) : await objectOf(client, [target], env);
    const one = await podOf(client, object, env, { cannot: "cannot attach to", timeoutMs });
    if (isPodTerminal(one))
      throw new UsageError(`cannot exec into a container in a completed pod; current phase is ${one.status?.phase}`);
    const { name: container } = containerOf(one, flags.container, env, { quiet: flags.quiet });
    const tty = canUseTty(env, flags);
    const code = await withTerminal(env, { stdin: flags.stdin, tty }, (streams) =>
      execInPod(client, keyOf(one), { ...streams, container, command: literal }),
    ).catch((error: unknown) => {
      throw error instanceof CommandError ? new UsageError(error.message) : error;
    });
    if (code !== 0) env.terminal.warn(`command terminated with exit code ${code}`);
    return code;
  },
});

/** The present form of the one object that files describe. */
async function objectInFile(client: Client, paths: readonly string[], env: CommandEnv): Promise<KubeObject> {
  const [manifest, another] = await readManifests({ filename: paths, recursive: false }, env);
  if (another) throw new UsageError("cannot exec into multiple objects at a time");
  if (!manifest) throw new UsageError("no objects passed to exec");
  const resource = await resourceOfKind(client, manifest);
  const namespace = manifest.metadata.namespace ?? (await env.namespace());
  const key = { ...(resource.namespaced ? { namespace } : {}), name: manifest.metadata.name ?? "" };
  return await client.get(resource, key, { signal: env.signal });
}
