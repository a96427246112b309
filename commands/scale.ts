import { asJson, asObject, isJsonObject } from "../core/api/json_object.ts";
import type { KubeObject } from "../core/api/meta.ts";
import { isReason } from "../core/api/status.ts";
import { waitFor } from "../core/client/wait_for.ts";
import { recordFlag } from "./change_cause.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { manifestFlags } from "./manifests.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { findTargets, type LoadedTarget } from "./targets.ts";
import { defineVerb, requireFlags, UsageError, type Verb } from "./verb.ts";
import { dryRunFlag, dryRunOf, printerOptions, selectorFlags } from "./write_flags.ts";

const retries = 5;

/** Sets how many replicas a workload has. */
export const scale: Verb = defineVerb({
  name: "scale",
  group: "Change",
  summary: "Set how many replicas a workload has.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    ...printFlags,
    ...dryRunFlag,
    ...recordFlag,
    selector: selectorFlags.selector,
    all: { type: "boolean", description: "All objects of the type in the namespace." },
    replicas: { type: "number", placeholder: "n", description: "Replicas to have." },
    "current-replicas": { type: "number", default: -1, placeholder: "n", description: "Only if it has so many now." },
    "resource-version": {
      type: "string",
      placeholder: "version",
      description: "Only if the object is at this version.",
    },
    timeout: {
      type: "duration",
      default: "0s",
      placeholder: "duration",
      description: "How long to wait until there are so many; 0: not at all.",
    },
  },
  examples: [["Five of them", "wherry scale deploy/web --replicas=5"]],
  async run({ flags, given, words, env }) {
    requireFlags(given, "replicas");
    const dryRun = dryRunOf(flags, env);
    const print = await objectPrinter(flags, printerOptions(dryRun, env));
    const { replicas = -1, "current-replicas": expected } = flags;
    if (replicas < 0)
      throw new UsageError("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    if (expected < -1) throw new UsageError("The --current-replicas must specify an integer of -1 or greater");
    const version = flags["resource-version"];
    const timeoutMs = parseDuration(flags.timeout);
    const targets = await findTargets({ words, manifests: flags, selector: flags.selector, typeAlone: flags.all }, env);
    const found: LoadedTarget[] = [];
    let failure: unknown;
    await targets
      .visitLoaded(async (target) => {
        found.push(target);
      })
      .catch((error: unknown) => {
        failure = error;
      });
    if (version && found.length > 1) throw new UsageError("cannot use --resource-version with multiple resources");
    if (found.length === 0) throw failure ?? new UsageError("no objects passed to scale");
    for (const target of found) {
      if (dryRun !== "client") {
        await setReplicas(target, { replicas, expected, version, dryRun: dryRun === "server" }, env);
        if (timeoutMs > 0 && dryRun === "none") await untilScaled(target, replicas, timeoutMs, env);
      }
      await print(withReplicas(target.object, replicas), "scaled");
    }
    if (failure) throw failure;
    return 0;
  },
});

interface ScaleObject extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number };
}

interface Wanted {
  readonly replicas: number;
  readonly expected: number;
  readonly version: string | undefined;
  readonly dryRun: boolean;
}

/** One patch, or where something is expected of the present state, a write on top of exactly that. */
async function setReplicas(
  { resource, key }: LoadedTarget,
  { replicas, expected, version, dryRun }: Wanted,
  { client, signal }: CommandEnv,
): Promise<void> {
  const api = await client();
  const options = { subresource: "scale", dryRun, signal };
  if (expected < 0 && !version) {
    await api.patch(resource, key, { type: "merge", body: { spec: { replicas } } }, options);
    return;
  }
  for (let tries = 1; ; tries++) {
    const current = (await api.get(resource, key, { subresource: "scale", signal })) as ScaleObject;
    const present = current.spec?.replicas ?? 0;
    if (expected >= 0 && present !== expected)
      throw new UsageError(`Expected replicas to be ${expected}, was ${present}`);
    if (version && current.metadata.resourceVersion !== version)
      throw new UsageError(`Expected resource version to be ${version}, was ${current.metadata.resourceVersion}`);
    try {
      await api.update(resource, { ...current, spec: { replicas } } as KubeObject, options);
      return;
    } catch (error) {
      if (!isReason(error, "Conflict") || tries >= retries) throw error;
    }
  }
}

async function untilScaled(
  { resource, key }: LoadedTarget,
  replicas: number,
  timeoutMs: number,
  { client, clock, signal }: CommandEnv,
): Promise<void> {
  try {
    await waitFor(await client(), resource, key, {
      predicate: (object) => ((object as ScaleObject).status?.replicas ?? 0) === replicas,
      timeoutMs,
      clock,
      signal,
    });
  } catch (error) {
    if (isReason(error, "Timeout")) throw new UsageError(`timed out waiting for "${key.name}" to be synced`);
    throw error;
  }
}

/** The object as `-o` shows it. Where other kinds have their count is not known here. */
function withReplicas(object: KubeObject, replicas: number): KubeObject {
  if (object.apiVersion !== "v1" && !object.apiVersion.startsWith("apps/")) return object;
  const { spec } = asJson(object);
  return asObject({ ...asJson(object), spec: { ...(isJsonObject(spec) ? spec : {}), replicas } });
}
