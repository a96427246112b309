import { asJson } from "../core/api/json_object.ts";
import type { JsonObject } from "../core/api/meta.ts";
import { controllerOf, keyOf } from "../core/api/meta.ts";
import type { Client } from "../core/client/client.ts";
import { waitFor } from "../core/client/wait_for.ts";
import { type Deployment, deployment } from "../core/kinds/deployment.ts";
import { rolloutProgress } from "../core/kinds/deployment_rollout.ts";
import { type ReplicaSet, replicaSet } from "../core/kinds/replica_set.ts";
import { timestamp } from "../core/util/clock.ts";
import { describePodTemplate } from "./describe/pod_template.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { keyIn } from "./namespaced.ts";
import { alignColumns } from "./output/columns.ts";
import { selectResources } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

const revisionAnnotation = "deployment.kubernetes.io/revision";
const changeCauseAnnotation = "kubernetes.io/change-cause";
const templateHashLabel = "pod-template-hash";
const restartedAtAnnotation = "kubectl.kubernetes.io/restartedAt";

const status: Verb = defineVerb({
  name: "status",
  group: "Roll out",
  summary: "Show how a roll-out goes, until it is done.",
  words: "<type> [names...]",
  flags: {
    watch: { type: "boolean", short: "w", default: true, description: "Wait until it is done." },
    revision: { type: "number", default: 0, placeholder: "n", description: "Fail when another revision takes over." },
    timeout: { type: "string", placeholder: "duration", description: "How long to wait at most." },
  },
  async run({ flags, words, env }) {
    const client = await env.client();
    for (const target of await deploymentsOf(client, words, env)) {
      let said = "";
      const tell = async (text: string) => {
        if (text !== said) await env.terminal.write(`${text}\n`);
        said = text;
      };
      const look = (found: Deployment) => {
        const progress = rolloutProgress(found, flags.revision);
        void tell(progress.message);
        return progress.done || !flags.watch;
      };
      const timeoutMs = flags.timeout === undefined ? 7 * 24 * 3600_000 : parseDuration(flags.timeout);
      await waitFor(client, deployment, keyOf(target), {
        predicate: look,
        timeoutMs,
        clock: env.clock,
        signal: env.signal,
      });
    }
    return 0;
  },
});

const history: Verb = defineVerb({
  name: "history",
  group: "Roll out",
  summary: "Show the revisions of a workload.",
  words: "<type> [names...]",
  flags: { revision: { type: "number", placeholder: "n", description: "Show what this revision's pods are like." } },
  async run({ flags, words, env }) {
    const client = await env.client();
    for (const target of await deploymentsOf(client, words, env)) {
      const revisions = await revisionsOf(client, target, env);
      const title = `deployment.apps/${target.metadata.name} `;
      if (flags.revision !== undefined) {
        const found = revisions.get(flags.revision);
        if (!found) throw new UsageError(`unable to find the specified revision`);
        await env.terminal.write(
          `${title}with revision #${flags.revision}\n${describePodTemplate(found.spec.template).join("\n")}\n`,
        );
        continue;
      }
      const rows = [...revisions].map(([revision, rs]) => [
        String(revision),
        rs.metadata.annotations?.[changeCauseAnnotation] ?? "<none>",
      ]);
      await env.terminal.write(`${title}\n${alignColumns([["REVISION", "CHANGE-CAUSE"], ...rows]).join("\n")}\n\n`);
    }
    return 0;
  },
});

const undo: Verb = defineVerb({
  name: "undo",
  group: "Roll out",
  summary: "Go back to an earlier revision.",
  words: "<type> [names...]",
  flags: {
    "to-revision": {
      type: "number",
      default: 0,
      placeholder: "n",
      description: "Revision to go back to; default: the one before.",
    },
  },
  async run({ flags, words, env }) {
    const client = await env.client();
    for (const target of await deploymentsOf(client, words, env)) {
      const { name = "", namespace } = target.metadata;
      if (target.spec.paused)
        throw new UsageError(
          `you cannot rollback a paused deployment; resume it first with 'wherry rollout resume deployment/${name}' and try again`,
        );
      const revisions = [...(await revisionsOf(client, target, env))].sort(([a], [b]) => b - a);
      const wanted = flags["to-revision"];
      const chosen = wanted > 0 ? revisions.find(([revision]) => revision === wanted) : revisions[1];
      if (!chosen)
        throw new UsageError(
          wanted > 0
            ? `unable to find specified revision ${wanted} in history`
            : `no rollout history found for deployment "${name}"`,
        );
      const { template } = chosen[1].spec;
      const { [templateHashLabel]: _hash, ...labels } = template.metadata?.labels ?? {};
      const before = { ...template, metadata: { ...template.metadata, labels } };
      const patch: readonly JsonObject[] = [{ op: "replace", path: "/spec/template", value: asJson(before) }];
      await client.patch(deployment, { namespace, name }, { type: "json", body: patch }, { signal: env.signal });
      await env.terminal.write(`deployment.apps/${name} rolled back\n`);
    }
    return 0;
  },
});

const restart = patching({
  name: "restart",
  summary: "Replace all pods, a few at a time.",
  done: "restarted",
  problem: ({ paused }) => (paused ? "can't restart paused deployment (run rollout resume first)" : undefined),
  body: (env) => ({
    spec: { template: { metadata: { annotations: { [restartedAtAnnotation]: timestamp(env.clock) } } } },
  }),
});
const pause = patching({
  name: "pause",
  summary: "Keep changes from being rolled out.",
  done: "paused",
  problem: ({ paused }) => (paused ? "is already paused" : undefined),
  body: () => ({ spec: { paused: true } }),
});
const resume = patching({
  name: "resume",
  summary: "Roll changes out again.",
  done: "resumed",
  problem: ({ paused }) => (paused ? undefined : "is not paused"),
  body: () => ({ spec: { paused: null } }),
});

/** Looks at and steers roll-outs of deployments. */
export const rollout: Verb = defineVerb({
  name: "rollout",
  group: "Roll out",
  summary: "Look at and steer roll-outs.",
  flags: {},
  verbs: [status, history, undo, restart, pause, resume],
});

/** A verb that changes deployments by one patch each. */
interface PatchingVerb {
  readonly name: string;
  readonly summary: string;
  /** What became of the deployment. */
  readonly done: string;
  /** Why a deployment cannot be changed so. */
  problem(spec: Deployment["spec"]): string | undefined;
  body(env: CommandEnv): JsonObject;
}

function patching({ name, summary, done, problem, body }: PatchingVerb): Verb {
  return defineVerb({
    name,
    group: "Roll out",
    summary,
    words: "<type> [names...]",
    flags: {},
    async run({ words, env }) {
      const client = await env.client();
      let failed = false;
      for (const target of await deploymentsOf(client, words, env)) {
        const why = problem(target.spec);
        if (why !== undefined) {
          env.terminal.warn(`error: deployments.apps "${target.metadata.name}" ${why}`);
          failed = true;
          continue;
        }
        await client.patch(
          deployment,
          keyOf(target),
          { type: "strategic", body: body(env) },
          { fieldManager: "kubectl-rollout", signal: env.signal },
        );
        await env.terminal.write(`deployment.apps/${target.metadata.name} ${done}\n`);
      }
      return failed ? 1 : 0;
    },
  });
}

async function deploymentsOf(
  client: Client,
  words: readonly string[],
  env: CommandEnv,
): Promise<readonly Deployment[]> {
  const found: Deployment[] = [];
  for (const { resource, names } of await selectResources(client, words)) {
    if (resource.plural !== "deployments")
      throw new UsageError(`${resource.plural} have no roll-outs that this command knows`);
    if (names)
      for (const name of names)
        found.push(await client.get(deployment, await keyIn(resource, name, env), { signal: env.signal }));
    else found.push(...(await client.list(deployment, { namespace: await env.namespace(), signal: env.signal })).items);
  }
  if (found.length === 0) throw new UsageError("no deployments were found");
  return found;
}

async function revisionsOf(
  client: Client,
  owner: Deployment,
  env: CommandEnv,
): Promise<ReadonlyMap<number, ReplicaSet>> {
  const { items } = await client.list(replicaSet, { namespace: owner.metadata.namespace, signal: env.signal });
  const owned = items.filter((rs) => controllerOf(rs)?.uid === owner.metadata.uid);
  const numbered = owned.map((rs) => [Number(rs.metadata.annotations?.[revisionAnnotation] ?? 0), rs] as const);
  return new Map(numbered.filter(([revision]) => revision > 0).sort(([a], [b]) => a - b));
}
