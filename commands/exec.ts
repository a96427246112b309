import { keyOf } from "../core/api/meta.ts";
import { exec as execInPod, type TerminalSize } from "../core/client/exec.ts";
import type { Terminal } from "../core/platform/terminal.ts";
import { AsyncQueue } from "../core/util/async_queue.ts";
import { podOf } from "./pods.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Runs a command in a container; exits with its exit code. */
export const exec: Verb = defineVerb({
  name: "exec",
  group: "Look inside",
  summary: "Run a command in a container.",
  words: "<pod> [command...]",
  flags: {
    container: { type: "string", short: "c", placeholder: "name", description: "Container of the pod." },
    stdin: { type: "boolean", short: "i", description: "Pass standard input on." },
    tty: { type: "boolean", short: "t", description: "Give the command a terminal." },
  },
  examples: [["A shell", "wherry exec -it deploy/web -- sh"]],
  async run({ flags, words, literal, env }) {
    const [target, ...rest] = words;
    const command = [...rest, ...literal];
    if (target === undefined) throw new UsageError("pod, type/name or --filename must be specified");
    if (command.length === 0) throw new UsageError("you must specify at least one command for the container");
    const client = await env.client();
    const one = await podOf(client, target, env);
    const { terminal } = env;
    const tty = flags.tty && terminal.inputIsTerminal;
    if (flags.tty && !tty) terminal.warn("Unable to use a TTY - input is not a terminal or the right kind of file");
    const sizes = tty ? terminalSizes(terminal) : undefined;
    const cooked = tty ? terminal.raw() : undefined;
    try {
      const code = await execInPod(client, keyOf(one), {
        container:
          flags.container ??
          one.metadata.annotations?.["kubectl.kubernetes.io/default-container"] ??
          one.spec.containers[0]?.name,
        command,
        stdin: flags.stdin ? terminal.input : undefined,
        stdout: (data) => terminal.write(data),
        stderr: (data) => terminal.writeError(data),
        tty,
        resize: sizes,
        signal: env.signal,
      });
      if (code !== 0) terminal.warn(`command terminated with exit code ${code}`);
      return code;
    } finally {
      cooked?.();
      sizes?.end();
    }
  },
});

function terminalSizes(terminal: Terminal): AsyncQueue<TerminalSize> {
  const sizes = new AsyncQueue<TerminalSize>();
  const push = () => {
    const size = terminal.size();
    if (size) sizes.push(size);
  };
  push();
  terminal.onResize(push);
  return sizes;
}
