import { keyOf } from "../core/api/meta.ts";
import type { Client } from "../core/client/client.ts";
import { attach as attachToPod } from "../core/client/exec.ts";
import type { Pod } from "../core/kinds/pod.ts";
import { isPodTerminal } from "../core/kinds/pod_helpers.ts";
import { errorMessage } from "../core/util/log.ts";
import type { CommandEnv } from "./env.ts";
import { containerOf, objectOf, podOf } from "./pods.ts";
import { DetachedError, detachKeysFlag, detachKeysOf } from "./streams/detach_keys.ts";
import { podRunningTimeoutFlag, podRunningTimeoutMs } from "./streams/running_timeout.ts";
import { canUseTty, withTerminal } from "./streams/session.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Connects to what a container runs already. */
export const attach: Verb = defineVerb({
  name: "attach",
  group: "Look inside",
  summary: "Connect to what a container runs.",
  words: "[pod] [name...]",
  flags: {
    container: { type: "string", short: "c", placeholder: "name", description: "Container of the pod." },
    stdin: { type: "boolean", short: "i", description: "Pass standard input on." },
    tty: { type: "boolean", short: "t", description: "Standard input is a terminal." },
    quiet: { type: "boolean", short: "q", description: "Print only what the container writes." },
    ...detachKeysFlag,
    ...podRunningTimeoutFlag("1m0s"),
  },
  examples: [["Type into the first container", "wherry attach web -it"]],
  async run({ flags, words, env }) {
    if (words.length === 0) throw new UsageError("at least 1 argument is required for attach");
    if (words.length > 2)
      throw new UsageError(
        `expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${words.length}: [${words.join(" ")}]`,
      );
    const timeoutMs = podRunningTimeoutMs(flags, "attach");
    const detachKeys = detachKeysOf(flags);
    const client = await env.client();
    const object = await objectOf(client, words, env);
    const one = await podOf(client, object, env, { cannot: "cannot attach to", timeoutMs });
    if (isPodTerminal(one))
      throw new UsageError(`cannot attach a container in a completed pod; current phase is ${one.status?.phase}`);
    return await attachTo(client, one, { ...flags, detachKeys }, env);
  },
});

/** How to attach. */
export interface AttachFlags {
  readonly container?: string | undefined;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly quiet: boolean;
  /** Keys that end the session and leave what runs as it is. Default: none. */
  readonly detachKeys?: Uint8Array;
}

/** Joins the terminal with a container of a pod until that ends. @returns its exit code, 0 where the server does not say */
export async function attachTo(client: Client, pod: Pod, flags: AttachFlags, env: CommandEnv): Promise<number> {
  const { terminal } = env;
  const { name, tty: allocated = false } = named(pod, flags, env);
  if (flags.tty && !allocated && !flags.quiet)
    terminal.warn(`Unable to use a TTY - container ${name} did not allocate one`);
  // A container that was started with a terminal speaks as one.
  const tty = canUseTty(env, { stdin: flags.stdin, tty: allocated });
  if (!flags.quiet) {
    terminal.warn(
      "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.",
    );
    terminal.warn("If you don't see a command prompt, try pressing enter.");
  }
  const { stdin, detachKeys } = flags;
  const session = { stdin, tty, redraw: true, ...(detachKeys ? { detachKeys } : {}) };
  const code = await withTerminal(env, session, (streams) =>
    attachToPod(client, keyOf(pod), { ...streams, container: name }),
  ).catch((error: unknown) => {
    if (error instanceof DetachedError) return 0;
    throw error;
  });
  if (!flags.quiet && flags.stdin && tty && pod.spec.restartPolicy === "Always")
    await terminal.write(
      `Session ended, resume using 'wherry attach ${pod.metadata.name} -c ${name} -i -t' command when the pod is running\n`,
    );
  return code;
}

function named(pod: Pod, flags: AttachFlags, env: CommandEnv): ReturnType<typeof containerOf> {
  try {
    return containerOf(pod, flags.container, env, { quiet: flags.quiet });
  } catch (error) {
    throw new UsageError(`cannot attach to the container: ${errorMessage(error)}`);
  }
}
