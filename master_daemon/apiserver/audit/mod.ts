/**
 * The audit log: who asked for what, and what became of it.
 *
 * - What is noted is the policy's to say; without one nothing is.
 * - Requests never wait for the log. What waits to be written is bounded; past that events are lost, counted, and told of.
 *
 * @see https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
 */
import { readTextFile } from "../../../core/platform/files.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import { type LogSink, openLogFile, standardOutput } from "./log_file.ts";
import { type AuditPolicy, auditRuleFor, parseAuditPolicy } from "./policy.ts";
import { type AuditedRequest, AuditTrail } from "./trail.ts";

/** Where the audit log goes and what stands in it, named as kube-apiserver's flags. */
export interface AuditOptions {
  readonly policyFile: string;
  /** `-` is the standard output. */
  readonly logPath: string;
  /** Megabytes. Default 100. */
  readonly maxSize?: number | undefined;
  /** Days; 0: for ever. Default 0. */
  readonly maxAge?: number | undefined;
  /** Files; 0: all. Default 0. */
  readonly maxBackup?: number | undefined;
  readonly compress?: boolean | undefined;
}

/** Opens trails for requests. */
export interface Auditor extends AsyncDisposable {
  /** Undefined when nothing is to be noted of the request. */
  trailFor(audited: AuditedRequest): AuditTrail | undefined;
  /** Events that were written, and that were lost, since the start. */
  readonly counts: { readonly events: number; readonly dropped: number };
}

const maxWaitingEvents = 10_000;
const maxWaitingLength = 64 * 2 ** 20;

/**
 * Opens the audit log.
 *
 * @throws RangeError for a policy that makes no sense; Error when a file cannot be read or opened
 */
export async function openAudit(
  options: AuditOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<Auditor> {
  const policy = await readPolicy(options.policyFile);
  const { logPath, maxSize, maxAge = 0, maxBackup = 0, compress = false } = options;
  const sink: LogSink =
    logPath === "-"
      ? standardOutput
      : await openLogFile({
          path: logPath,
          maxBytes: (maxSize || 100) * 2 ** 20,
          maxAgeMs: maxAge * 86_400_000,
          maxBackups: maxBackup,
          compress,
          clock,
        });
  return new BufferedAuditor({ policy, sink, clock, log });
}

async function readPolicy(path: string): Promise<AuditPolicy> {
  const text = await readTextFile(path);
  if (text === undefined) throw new RangeError(`Cannot read the audit policy: ${path} is not there`);
  // Seldom needed, and its library takes a while to load.
  const { parseYaml } = await import("../../../core/api/yaml.ts");
  return parseAuditPolicy(parseYaml(text, path));
}

/** Writes events in batches, as they come. */
class BufferedAuditor implements Auditor {
  readonly #policy: AuditPolicy;
  readonly #sink: LogSink;
  readonly #clock: Clock;
  readonly #log: Logger;
  #waiting: string[] = [];
  #waitingLength = 0;
  #writing: Promise<void> | undefined;
  #events = 0;
  #dropped = 0;

  constructor(parts: {
    readonly policy: AuditPolicy;
    readonly sink: LogSink;
    readonly clock: Clock;
    readonly log: Logger;
  }) {
    this.#policy = parts.policy;
    this.#sink = parts.sink;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  get counts(): { readonly events: number; readonly dropped: number } {
    return { events: this.#events, dropped: this.#dropped };
  }

  trailFor(audited: AuditedRequest): AuditTrail | undefined {
    const rule = auditRuleFor(this.#policy, audited.user, audited.attributes);
    return rule && new AuditTrail(audited, { rule, clock: this.#clock, write: this.#add });
  }

  readonly #add = (line: string): void => {
    this.#events++;
    if (this.#waiting.length >= maxWaitingEvents || this.#waitingLength + line.length > maxWaitingLength) {
      if (this.#dropped++ === 0) this.#log.error("Audit events are lost: they come faster than they are written");
      return;
    }
    this.#waiting.push(`${line}\n`);
    this.#waitingLength += line.length;
    this.#writing ??= this.#drain();
  };

  async #drain(): Promise<void> {
    // What comes in this turn of the event loop goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      this.#waitingLength = 0;
      try {
        await this.#sink.write(lines.join(""));
      } catch (error) {
        this.#dropped += lines.length;
        this.#log.error("Cannot write the audit log", { events: lines.length, error: errorMessage(error) });
      }
    }
    this.#writing = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#sink[Symbol.asyncDispose]();
  }
}

export type { AuditedRequest, AuditTrail } from "./trail.ts";
