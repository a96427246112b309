import type { Client } from "../core/client/client.ts";
import { type LeaderElectionOptions, runLeaderElection, whileLeading } from "../core/client/leader_election.ts";
import type { Transport, UserInfo } from "../core/client/transport.ts";
import type { Random } from "../core/platform/random.ts";
import type { Clock } from "../core/util/clock.ts";
import { DisposalStack } from "../core/util/disposal_stack.ts";
import { errorMessage, type Logger } from "../core/util/log.ts";
import { Tasks } from "../core/util/tasks.ts";

/** How masters agree who runs controllers and scheduler, with client-go's names. */
export type ElectionDurations = Pick<LeaderElectionOptions, "leaseDurationMs" | "renewDeadlineMs" | "retryPeriodMs">;

/**
 * Shorter than client-go's 15 and 10 seconds: a leader may die just after it has renewed its lease, and another is to have
 * taken over within 15 seconds even then.
 */
const usualDurations: ElectionDurations = { leaseDurationMs: 12_000, renewDeadlineMs: 8_000 };

/** How a client of the leader is made. */
export interface ConnectOptions {
  readonly user?: UserInfo;
  readonly wrap?: (transport: Transport) => Transport;
}

/** Options of {@linkcode runAsLeader}. */
export interface RunAsLeaderOptions extends ElectionDurations, Pick<LeaderElectionOptions, "identity"> {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Name of the Lease in `kube-system`. */
  readonly name: string;
  /** Whether there may be others. Without, this master leads from the start. */
  readonly isElected: boolean;
  /** Makes a client of what the leader runs, by default as itself; `wrap` is put around its transport. */
  readonly connect: (options: ConnectOptions) => Client;
  /** Starts what only the leader runs, with its client; `connectAs` makes one for somebody else, which is whoever asked to dispose. */
  readonly start: (client: Client, connectAs: (user: UserInfo) => Client) => AsyncDisposable;
}

/** Runs something on one of several masters at a time: for as long as this one leads, with a client that is cut off when it no longer does. */
export function runAsLeader(options: RunAsLeaderOptions): AsyncDisposable {
  const { name, isElected, connect, start, log } = options;
  const parts = new DisposalStack();
  if (!isElected) {
    parts.use(start(parts.use(connect({})), (user) => connect({ user })));
    return parts;
  }
  const client = parts.use(connect({}));
  const tasks = parts.use(
    new Tasks({ onError: (error) => log.error("Election failed", { name, error: errorMessage(error) }) }),
  );
  tasks.run((signal) =>
    runLeaderElection({
      ...usualDurations,
      ...options,
      client,
      namespace: "kube-system",
      signal,
      onNewLeader: (leader) => log.info("There is a new leader", { name, leader }),
      async run({ signal: leading, isHeld }) {
        await using leads = new DisposalStack();
        const wrap = (transport: Transport) => whileLeading(transport, { isHeld });
        leads.use(start(leads.use(connect({ wrap })), (user) => connect({ user, wrap })));
        await new Promise<void>((resolve) => {
          leading.addEventListener("abort", () => resolve(), { once: true });
          if (leading.aborted) resolve();
        });
      },
    }),
  );
  return parts;
}
