import type { KubeObject, ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import type { ClusterRole } from "../../core/kinds/cluster_role.ts";
import type { ClusterRoleBinding } from "../../core/kinds/cluster_role_binding.ts";
import { namespace } from "../../core/kinds/namespace.ts";
import type { PolicyRule, Subject } from "../../core/kinds/rbac.ts";
import { autoUpdate, isProtected, reconciledBinding, reconciledRole } from "../../core/kinds/rbac_reconcile.ts";
import type { CommandEnv } from "../env.ts";
import { manifestFlags, namesManifests } from "../manifests.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { findTargets, type LoadedTarget } from "../targets.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { dryRunFlag, dryRunOf, printerOptions } from "../write_flags.ts";

const maxTries = 4;

/** Gives roles the rules, and bindings the subjects, that manifests say. */
export const reconcile: Verb = defineVerb({
  name: "reconcile",
  group: "Settings",
  summary: "Give roles the rules, and bindings the subjects, that manifests say.",
  description:
    "What is missing is created, with its namespace. What a role or binding has besides stays, unless it is to be removed; what is annotated with rbac.authorization.kubernetes.io/autoupdate=false is left alone.",
  words: "[words...]",
  flags: {
    ...manifestFlags,
    ...printFlags,
    ...dryRunFlag,
    "remove-extra-permissions": { type: "boolean", description: "Remove rules that the manifests do not have." },
    "remove-extra-subjects": { type: "boolean", description: "Remove subjects that the manifests do not have." },
  },
  examples: [["What would change", "wherry auth reconcile -f rights.yaml --dry-run=client"]],
  async run({ flags, words, env }) {
    if (!namesManifests(flags)) throw new UsageError("must specify one of -f and -k");
    if (words.length > 0) throw new UsageError("no arguments are allowed");
    const dryRun = dryRunOf(flags, env);
    if (dryRun === "server") throw new UsageError("--dry-run=server for command reconcile is not supported yet");
    const print = await objectPrinter(flags, printerOptions(dryRun, env));
    const client = await env.client();
    const targets = await findTargets({ words, manifests: flags }, env);
    await targets.visitLoaded(async (target) => {
      const plan = planFor(target.object, {
        rules: flags["remove-extra-permissions"],
        subjects: flags["remove-extra-subjects"],
      });
      if (!plan) return;
      const step = await carryOut(target, { client, plan, dry: dryRun === "client", signal: env.signal });
      await print(step.object, "reconciled");
      tell(step, env);
    });
    return 0;
  },
});

/** What is to be done, and to whom it matters. */
interface Step {
  readonly operation: "none" | "create" | "update" | "recreate";
  readonly object: KubeObject;
  /** Whether it opted out: nothing is done. */
  readonly isProtected: boolean;
  /** What is said of the parts that differ: heading, and a line for each. */
  readonly parts: readonly (readonly [heading: string, lines: readonly string[]])[];
}

/** Finds the step from what is present, if anything is; undefined for kinds that are not reconciled. */
type Plan = (present: KubeObject | undefined) => Step;

function planFor(
  object: KubeObject,
  removes: { readonly rules: boolean; readonly subjects: boolean },
): Plan | undefined {
  if (!object.apiVersion.startsWith("rbac.authorization.k8s.io/")) return undefined;
  if (object.kind === "Role" || object.kind === "ClusterRole") {
    const expected: ClusterRole = object;
    return (present) => {
      const found = present && reconciledRole<ClusterRole>(present, expected, { removeExtra: removes.rules });
      const { missing, extra } = found ?? { missing: expected.rules ?? [], extra: [] };
      const lines = { missing: missing.map(ruleText), extra: extra.map(ruleText) };
      return stepOf("rules", { present, found, expected, ...lines });
    };
  }
  if (object.kind !== "RoleBinding" && object.kind !== "ClusterRoleBinding") return undefined;
  const expected = object as ClusterRoleBinding;
  return (present) => {
    const found =
      present && reconciledBinding(present as ClusterRoleBinding, expected, { removeExtra: removes.subjects });
    const { missing, extra } = found ?? { missing: expected.subjects ?? [], extra: [] };
    const lines = { missing: missing.map(subjectText), extra: extra.map(subjectText) };
    return stepOf("subjects", { present, found, expected, ...lines });
  };
}

function stepOf(
  what: "rules" | "subjects",
  parts: {
    readonly present: KubeObject | undefined;
    readonly found: (Pick<Step, "object"> & { readonly operation: Step["operation"] }) | undefined;
    readonly expected: KubeObject;
    readonly missing: readonly string[];
    readonly extra: readonly string[];
  },
): Step {
  const { present, found, expected, missing, extra } = parts;
  return {
    operation: found?.operation ?? "create",
    object: found?.object ?? expected,
    isProtected: present !== undefined && isProtected(present),
    parts: [
      [`missing ${what} added`, missing],
      [`extra ${what} removed`, extra],
    ],
  };
}

interface CarryOutOptions {
  readonly client: Client;
  readonly plan: Plan;
  readonly dry: boolean;
  readonly signal: AbortSignal;
}

/** Does what the plan says, again when the object came or went meanwhile. @returns the step with the server's object */
async function carryOut(
  { resource, key }: LoadedTarget,
  { client, plan, dry, signal }: CarryOutOptions,
): Promise<Step> {
  for (let tries = 0; tries < maxTries; tries++) {
    const present = await client.get(resource, key, { signal }).catch(ignore("NotFound"));
    const step = plan(present);
    const { operation, object } = step;
    if (step.isProtected || dry || operation === "none") return step;
    if (operation === "update") {
      const updated = await client.update(resource, object, { signal }).catch(ignore("NotFound"));
      if (updated) return { ...step, object: updated };
      continue;
    }
    if (operation === "recreate" && present) {
      const removed = await client
        .delete(resource, key, { preconditions: sameObject(present), signal })
        .then(() => true, ignore("NotFound", "Conflict"));
      // Who comes too late finds out at the next try.
      if (!removed) continue;
    }
    await ensureNamespace(client, key, signal);
    const created = await client.create(resource, object, { signal }).catch(ignore("AlreadyExists"));
    if (created) return { ...step, object: created };
  }
  throw new UsageError("exceeded maximum attempts");
}

/** Who may not see or make namespaces may still be allowed to write roles in them. */
async function ensureNamespace(client: Client, key: ObjectKey, signal: AbortSignal): Promise<void> {
  if (!key.namespace) return;
  const name = key.namespace;
  if (await client.get(namespace, { name }, { signal }).catch(ignore("NotFound", "Forbidden"))) return;
  const wanted: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  await client.create(namespace, wanted, { signal }).catch(ignore("AlreadyExists", "Forbidden"));
}

function ignore(...reasons: readonly Parameters<typeof isReason>[1][]): (error: unknown) => undefined {
  return (error) => {
    if (!reasons.some((reason) => isReason(error, reason))) throw error;
    return undefined;
  };
}

function tell({ operation, isProtected: left, parts }: Step, { terminal }: CommandEnv): void {
  if (operation === "none") return;
  terminal.warn(`\treconciliation required ${operation}${left ? `, but object opted out (${autoUpdate}: false)` : ""}`);
  for (const [heading, lines] of parts) {
    if (lines.length === 0) continue;
    terminal.warn(`\t${heading}:`);
    for (const line of lines) terminal.warn(`\t\t${line}`);
  }
}

/** As Go prints a struct. */
function ruleText({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): string {
  const list = (values: readonly string[] = []) => `[${values.join(" ")}]`;
  return `{Verbs:${list(verbs)} APIGroups:${list(apiGroups)} Resources:${list(resources)} ResourceNames:${list(resourceNames)} NonResourceURLs:${list(nonResourceURLs)}}`;
}

function subjectText({ kind, apiGroup = "", name, namespace: place = "" }: Subject): string {
  return `{Kind:${kind} APIGroup:${apiGroup} Name:${name} Namespace:${place}}`;
}
