import type { Client } from "../core/client/client.ts";
import type { Random } from "../core/platform/random.ts";
import type { Terminal } from "../core/platform/terminal.ts";
import type { Clock } from "../core/util/clock.ts";

/** The surroundings of a verb: everything it may touch. Tests make their own. */
export interface CommandEnv {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** `-v` level; 0 by default. From 1 on, errors show their stacks. */
  readonly verbosity: number;
  /**
   * A client for the cluster that flags and kubeconfig name. Made on first use.
   *
   * @param program what it says it is, when it is made: who writes is noted under this name. Default `wherry`
   * @throws UsageError when no cluster is configured
   */
  client(program?: string): Promise<Client>;
  /** The namespace that flags and kubeconfig name; `default` otherwise. */
  namespace(): Promise<string>;
  /** The server's address as flags and kubeconfig name it. */
  server(): Promise<string | undefined>;
  /** Whether the namespace was said with `-n`, not taken from the kubeconfig. */
  readonly namespaceGiven: boolean;
  /** How long to wait for an answer, as `--request-timeout` says; 0 or undefined: as long as it takes. */
  readonly requestTimeoutMs?: number | undefined;
  /** Path given with `--kubeconfig`. */
  readonly kubeconfig: string | undefined;
  /** Path given with `--kuberc`. */
  readonly kuberc?: string | undefined;
  readonly version: string;
  /** The command line that `--record` wants noted in what is changed; the client does so. */
  readonly changeCause?: string | undefined;
}
