import { isReason } from "../../core/api/status.ts";
import { waitFor } from "../../core/client/wait_for.ts";
import { parseDuration } from "../durations.ts";
import { withProgress } from "../progress.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { podsText, progressOf } from "./progress.ts";
import { tellNone, workloadFlags, workloads } from "./targets.ts";

const weekMs = 7 * 24 * 3600_000;

/** Follows a roll-out. */
export const status: Verb = defineVerb({
  name: "status",
  group: "Roll out",
  summary: "Show how a roll-out goes, until it is done.",
  words: "[type] [names...]",
  flags: {
    ...workloadFlags,
    watch: { type: "boolean", short: "w", default: true, description: "Wait until it is done." },
    revision: { type: "number", default: 0, placeholder: "n", description: "Fail when another revision takes over." },
    timeout: {
      type: "duration",
      default: "0s",
      placeholder: "duration",
      description: "How long to wait at most; 0: as long as it takes.",
    },
  },
  examples: [["Wait for a minute at most", "wherry rollout status deploy/web --timeout=1m"]],
  async run({ flags, words, env }) {
    const targets = await workloads(flags, words, env);
    if (flags.revision < 0) throw new UsageError(`revision must be a positive integer: ${flags.revision}`);
    const timeoutMs = parseDuration(flags.timeout) || weekMs;
    const client = await env.client();
    const count = await targets.visitLoaded(
      async ({ resource, key, object }) => {
        // A kind that has no roll-outs is told before anything is waited for.
        progressOf(object, flags.revision);
        let said = "";
        let told = Promise.resolve();
        const look = (present: typeof object, show: (text: string) => void) => {
          const { done, message } = progressOf(present, flags.revision);
          show(podsText(present));
          if (message !== said) told = told.then(() => env.terminal.write(`${message}\n`));
          said = message;
          return done || !flags.watch;
        };
        try {
          await withProgress(env, ({ show }) => {
            const predicate = (present: typeof object) => look(present, show);
            return waitFor(client, resource, key, { predicate, timeoutMs, clock: env.clock, signal: env.signal });
          });
        } catch (error) {
          if (isReason(error, "Timeout")) throw new UsageError("timed out waiting for the condition");
          if (isReason(error, "NotFound")) throw new UsageError("object has been deleted");
          throw error;
        } finally {
          await told;
        }
      },
      { latest: true },
    );
    if (count === 0) await tellNone(env);
    return 0;
  },
});
