/**
 * The audit log, in a file or at a server outside: who asked for what, and what became of it.
 *
 * - What is noted is the policy's to say; without one nothing is.
 * - Requests never wait for it. What waits to be written or sent is bounded; past that events are lost, counted, and told of.
 *
 * @see https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
 */
import { readTextFile } from "../../../core/platform/files.ts";
import type { Random } from "../../../core/platform/random.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import type { Logger } from "../../../core/util/log.ts";
import type { AuditBackend } from "./backend.ts";
import { LogBackend } from "./log_backend.ts";
import { openLogFile, standardOutput } from "./log_file.ts";
import { type AuditPolicy, auditRuleFor, parseAuditPolicy } from "./policy.ts";
import { type AuditedRequest, AuditTrail } from "./trail.ts";
import type { AuditBatchOptions } from "./webhook_backend.ts";

/** Where the audit log goes and what stands in it, named as kube-apiserver's flags. */
export interface AuditOptions {
  readonly policyFile: string;
  /** `-` is the standard output. Absent: no file. */
  readonly logPath?: string | undefined;
  /** Megabytes. Default 100. */
  readonly maxSize?: number | undefined;
  /** Days; 0: for ever. Default 0. */
  readonly maxAge?: number | undefined;
  /** Files; 0: all. Default 0. */
  readonly maxBackup?: number | undefined;
  readonly compress?: boolean | undefined;
  /** Absent: no server is sent anything. */
  readonly webhook?: AuditWebhookOptions | undefined;
}

/** How events are sent to a server outside. */
export interface AuditWebhookOptions extends AuditBatchOptions {
  /** Path of a kubeconfig. */
  readonly configFile: string;
  /** Milliseconds before a batch is sent a second time. Default 10000. */
  readonly initialBackoffMs?: number | undefined;
}

/** Opens trails for requests. */
export interface Auditor extends AsyncDisposable {
  /** Undefined when nothing is to be noted of the request. */
  trailFor(audited: AuditedRequest): AuditTrail | undefined;
  /** Events that were noted, and that were lost on the way to one of the places, since the start. */
  readonly counts: { readonly events: number; readonly dropped: number };
}

/** What the log takes from its surroundings. */
interface AuditParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * Opens the audit log.
 *
 * @throws RangeError for a policy that makes no sense; Error when a file cannot be read or opened
 */
export async function openAudit(options: AuditOptions, parts: AuditParts): Promise<Auditor> {
  const policy = await readPolicy(options.policyFile);
  const stack = new DisposalStack();
  const backends: AuditBackend[] = [];
  try {
    if (options.logPath !== undefined) backends.push(stack.use(await openLog(options.logPath, options, parts)));
    if (options.webhook) backends.push(stack.use(await openWebhook(options.webhook, parts)));
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
  let events = 0;
  const write = (event: string) => {
    events++;
    for (const backend of backends) backend.add(event);
  };
  return {
    trailFor(audited) {
      const rule = auditRuleFor(policy, audited.user, audited.attributes);
      return rule && new AuditTrail(audited, { rule, clock: parts.clock, write });
    },
    get counts() {
      return { events, dropped: backends.reduce((sum, { dropped }) => sum + dropped, 0) };
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

async function readPolicy(path: string): Promise<AuditPolicy> {
  const text = await readTextFile(path);
  if (text === undefined) throw new RangeError(`Cannot read the audit policy: ${path} is not there`);
  // Seldom needed, and its library takes a while to load.
  const { parseYaml } = await import("../../../core/api/yaml.ts");
  return parseAuditPolicy(parseYaml(text, path));
}

async function openLog(
  path: string,
  { maxSize, maxAge = 0, maxBackup = 0, compress = false }: AuditOptions,
  { clock, log }: AuditParts,
): Promise<AuditBackend> {
  const maxBytes = (maxSize || 100) * 2 ** 20;
  const maxAgeMs = maxAge * 86_400_000;
  const sink =
    path === "-"
      ? standardOutput
      : await openLogFile({ path, maxBytes, maxAgeMs, maxBackups: maxBackup, compress, clock });
  return new LogBackend({ sink, log });
}

async function openWebhook(
  { configFile, initialBackoffMs = 10_000, ...options }: AuditWebhookOptions,
  { clock, random, log }: AuditParts,
): Promise<AuditBackend> {
  const [{ openKubeconfigWebhook }, { WebhookBackend }] = await Promise.all([
    import("../../../core/client/kubeconfig_webhook.ts"),
    import("./webhook_backend.ts"),
  ]);
  const webhook = await openKubeconfigWebhook({ path: configFile, initialBackoffMs, clock, random });
  return new WebhookBackend({ ...options, webhook, clock, log });
}

export type { AuditedRequest, AuditTrail } from "./trail.ts";
