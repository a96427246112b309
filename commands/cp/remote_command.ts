import { keyOf } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { CommandError, type ExecOptions, exec } from "../../core/client/exec.ts";
import { podResource } from "../../core/client/resources.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import type { CommandEnv } from "../env.ts";
import { containerOf } from "../pods.ts";
import { UsageError } from "../verb.ts";
import type { PodName } from "./file_spec.ts";

/** The container that files are copied to or from. */
export class RemoteCommand {
  readonly pod: Pod;
  /** The namespace that the command line named for the pod. */
  readonly namespace: string;
  readonly #client: Client;
  readonly #container: string;

  private constructor(client: Client, pod: Pod, namespace: string, container: string) {
    this.#client = client;
    this.pod = pod;
    this.namespace = namespace;
    this.#container = container;
  }

  /** @throws StatusError when there is no such pod, UsageError when nothing can be run in it */
  static async in(
    { namespace, name }: PodName,
    container: string | undefined,
    env: CommandEnv,
  ): Promise<RemoteCommand> {
    const client = await env.client();
    const key = { namespace: namespace || (await env.namespace()), name };
    const pod = await client.get(podResource, key, { signal: env.signal });
    if (isPodTerminal(pod))
      throw new UsageError(`cannot exec into a container in a completed pod; current phase is ${pod.status?.phase}`);
    return new RemoteCommand(client, pod, namespace ?? "", containerOf(pod, container, env).name);
  }

  /** Runs a command in the container. @returns its exit code. @throws UsageError when it cannot be started */
  async run(command: readonly string[], streams: Omit<ExecOptions, "command" | "container">): Promise<number> {
    try {
      return await exec(this.#client, keyOf(this.pod), { ...streams, command, container: this.#container });
    } catch (error) {
      throw error instanceof CommandError ? new UsageError(error.message) : error;
    }
  }
}
