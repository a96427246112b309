import { type KubeObject, keyOf } from "../core/api/meta.ts";
import { isReason, type Status } from "../core/api/status.ts";
import type { Client } from "../core/client/client.ts";
import type { DiscoveredResource } from "../core/client/discovery.ts";
import { waitFor } from "../core/client/wait_for.ts";
import { isDryRun } from "./apply.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { manifestFlags, readManifests } from "./manifests.ts";
import { keyIn, withNamespace } from "./namespaced.ts";
import { resourceOfKind, selectResources } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

interface Doomed {
  readonly resource: DiscoveredResource;
  readonly key: { readonly namespace?: string | undefined; readonly name: string };
}

/** Deletes objects and waits until they are gone. */
export const deleteVerb: Verb = defineVerb({
  name: "delete",
  group: "Change",
  summary: "Delete objects, and wait until they are gone.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    all: { type: "boolean", description: "All objects of the type in the namespace." },
    "all-namespaces": { type: "boolean", short: "A", description: "In all namespaces." },
    selector: { type: "string", short: "l", placeholder: "labels", description: "Objects with these labels." },
    "field-selector": { type: "string", placeholder: "fields", description: "Objects with these fields." },
    "grace-period": {
      type: "number",
      placeholder: "seconds",
      description: "Seconds that a pod gets to end; 1 with --now, 0 only with --force.",
    },
    now: { type: "boolean", description: "The same as --grace-period=1." },
    force: { type: "boolean", description: "With --grace-period=0: forget the object at once." },
    cascade: {
      type: "string",
      default: "background",
      implied: "background",
      placeholder: "mode",
      description: "What happens to what it owns: background, foreground or orphan.",
    },
    wait: { type: "boolean", default: true, description: "Wait until the objects are gone." },
    timeout: {
      type: "string",
      placeholder: "duration",
      description: "How long to wait at most, e.g. 30s; default: as long as it takes.",
    },
    "ignore-not-found": { type: "boolean", description: "A missing object is no error." },
    "dry-run": {
      type: "string",
      placeholder: "none|server",
      implied: "server",
      description: "With server: say what would happen, change nothing.",
    },
    output: { type: "string", short: "o", placeholder: "name", description: "With name: print names only." },
  },
  examples: [
    ["Delete a deployment", "wherry delete deploy web"],
    ["Delete what a file describes", "wherry delete -f web.yaml"],
  ],
  async run({ flags, words, env }) {
    const client = await env.client();
    const dryRun = isDryRun(flags["dry-run"]);
    const propagationPolicy = policies.get(flags.cascade);
    if (!propagationPolicy)
      throw new UsageError(`invalid cascade value (${flags.cascade}). Must be "background", "foreground", or "orphan"`);
    if (flags["grace-period"] === 0 && !flags.force)
      throw new UsageError("--grace-period=0 is only for --force: the pod would be forgotten while it may still run");
    const gracePeriodSeconds = flags.now ? 1 : flags.force ? 0 : flags["grace-period"];
    if (gracePeriodSeconds === 0) {
      env.terminal.warn(
        "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.",
      );
    }
    const doomed =
      flags.filename.length > 0 ? await ofManifests(flags, env, client) : await ofWords(flags, words, env, client);
    const waiting: { readonly doomed: Doomed; readonly uid: string | undefined }[] = [];
    let failed = false;
    for (const one of doomed) {
      try {
        const answer = await client.delete(one.resource, one.key, {
          gracePeriodSeconds,
          propagationPolicy,
          dryRun,
          signal: env.signal,
        });
        const name = `${one.resource.singular}${one.resource.group ? `.${one.resource.group}` : ""}`;
        const verb = gracePeriodSeconds === 0 ? "force deleted" : "deleted";
        const from = one.key.namespace ? ` from ${one.key.namespace} namespace` : "";
        await env.terminal.write(
          flags.output === "name"
            ? `${name}/${one.key.name}\n`
            : `${name} "${one.key.name}" ${verb}${from}${dryRun ? " (server dry run)" : ""}\n`,
        );
        waiting.push({ doomed: one, uid: uidOf(answer) });
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
        if (flags["ignore-not-found"]) continue;
        failed = true;
        env.terminal.warn(`Error from server (NotFound): ${error.message}`);
      }
    }
    if (flags.wait && !dryRun) {
      const timeoutMs = flags.timeout === undefined ? 7 * 24 * 3600_000 : parseDuration(flags.timeout);
      for (const {
        doomed: { resource, key },
        uid,
      } of waiting)
        await untilGone(client, resource, key, uid, timeoutMs, env);
    }
    return failed ? 1 : 0;
  },
});

const policies: ReadonlyMap<string, "Background" | "Foreground" | "Orphan"> = new Map([
  ["background", "Background"],
  ["foreground", "Foreground"],
  ["orphan", "Orphan"],
]);

async function ofManifests(
  flags: { readonly filename: readonly string[]; readonly recursive: boolean },
  env: CommandEnv,
  client: Client,
): Promise<readonly Doomed[]> {
  const doomed: Doomed[] = [];
  for (const manifest of await readManifests(flags, env)) {
    const resource = await resourceOfKind(client, manifest);
    doomed.push({ resource, key: keyOf(await withNamespace(manifest, resource, env)) });
  }
  return doomed;
}

async function ofWords(
  flags: {
    readonly all: boolean;
    readonly "all-namespaces": boolean;
    readonly selector: string | undefined;
    readonly "field-selector": string | undefined;
  },
  words: readonly string[],
  env: CommandEnv,
  client: Client,
): Promise<readonly Doomed[]> {
  const doomed: Doomed[] = [];
  for (const { resource, names } of await selectResources(client, words)) {
    if (names) {
      for (const name of names) doomed.push({ resource, key: await keyIn(resource, name, env) });
      continue;
    }
    if (!flags.all && !flags.selector && !flags["field-selector"]) {
      throw new UsageError("resource(s) were provided, but no name was specified; use --all to delete all of them");
    }
    const namespace = resource.namespaced && !flags["all-namespaces"] ? await env.namespace() : undefined;
    const { items } = await client.list(resource, {
      namespace,
      labelSelector: flags.selector,
      fieldSelector: flags["field-selector"],
      signal: env.signal,
    });
    doomed.push(...items.map((item) => ({ resource, key: keyOf(item) })));
  }
  return doomed;
}

function uidOf(answer: KubeObject | Status): string | undefined {
  return answer.kind === "Status" ? (answer as Status).details?.uid : (answer as KubeObject).metadata.uid;
}

async function untilGone(
  client: Client,
  resource: DiscoveredResource,
  key: Doomed["key"],
  uid: string | undefined,
  timeoutMs: number,
  env: CommandEnv,
): Promise<void> {
  try {
    // An object of the same name with another uid is not the one that was deleted.
    await waitFor(client, resource, key, {
      predicate: (object) => uid !== undefined && object.metadata.uid !== uid,
      timeoutMs,
      clock: env.clock,
      signal: env.signal,
    });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
