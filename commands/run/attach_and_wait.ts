import { keyOf } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { logs } from "../../core/client/logs.ts";
import { podResource } from "../../core/client/resources.ts";
import { waitFor } from "../../core/client/wait_for.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { isPodReady, isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { errorMessage } from "../../core/util/log.ts";
import { attachTo } from "../attach.ts";
import type { CommandEnv } from "../env.ts";
import { UsageError } from "../verb.ts";

/** How to attach to a pod that was made for it. */
export interface AttachAndWaitOptions {
  readonly container?: string | undefined;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly quiet: boolean;
  /** Keys that end the session and leave what runs as it is. */
  readonly detachKeys?: Uint8Array;
  /** How long the pod may take to run. */
  readonly timeoutMs: number;
}

const never = 2 ** 31 - 1;

/**
 * Attaches to a pod once it runs, and shows its log where it has ended before.
 *
 * @returns the exit code of its container; 0 for a pod that is always started again
 * @see k8s.io/kubectl/pkg/cmd/run
 */
export async function attachAndWait(
  client: Client,
  pod: Pod,
  options: AttachAndWaitOptions,
  env: CommandEnv,
): Promise<number> {
  const { clock, signal, terminal } = env;
  const key = keyOf(pod);
  const until = (predicate: (pod: Pod) => boolean, timeoutMs: number) =>
    waitFor(client, podResource, key, { predicate, timeoutMs, clock, signal });
  const running = await until((one) => isPodTerminal(one) || isRunning(one, options.container), options.timeoutMs);
  const showLog = async () => {
    const container = options.container ?? pod.spec.containers[0]?.name;
    for await (const chunk of logs(client, key, { container, follow: true, signal })) await terminal.write(chunk);
  };
  if (isPodTerminal(running)) await showLog();
  else {
    try {
      await attachTo(client, running, options, env);
    } catch (error) {
      signal.throwIfAborted();
      terminal.warn(
        `warning: couldn't attach to pod/${key.name}, falling back to streaming logs: ${errorMessage(error)}`,
      );
      await showLog();
    }
  }
  signal.throwIfAborted();
  if (options.container !== undefined || running.spec.restartPolicy === "Always") return 0;
  return exitCodeOf(await until(isPodTerminal, never), env);
}

function isRunning(pod: Pod, container: string | undefined): boolean {
  if (container === undefined) return pod.status?.phase === "Running" && isPodReady(pod);
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.ephemeralContainerStatuses ?? [])];
  const state = statuses.find(({ name }) => name === container)?.state;
  return state?.running !== undefined || state?.terminated !== undefined;
}

function exitCodeOf({ metadata, status }: Pod, env: CommandEnv): number {
  if (status?.phase === "Succeeded") return 0;
  const terminated = status?.containerStatuses?.[0]?.state?.terminated;
  const name = `${metadata.namespace}/${metadata.name}`;
  if (!terminated) throw new UsageError(`pod ${name} failed with unknown exit code`);
  env.terminal.warn(
    `pod ${name} terminated (${terminated.reason ?? ""})${terminated.message ? `\n${terminated.message}` : ""}`,
  );
  return terminated.exitCode || 1;
}
