import { goJson } from "../core/api/go_json.ts";
import { asJson, asObject } from "../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../core/api/meta.ts";
import { isReason } from "../core/api/status.ts";
import { type ApplyStep, apply as applyObject } from "../core/client/apply.ts";
import { ApplyConflictError } from "../core/client/apply_conflict.ts";
import { environmentVariable } from "../core/platform/process.ts";
import { throwAll } from "./all_errors.ts";
import { asMember, checkParent, findParent, openApplySet } from "./apply/apply_set.ts";
import { editLastApplied } from "./apply/edit_last_applied.ts";
import { prune, pruneResources, tellDefaultTypes } from "./apply/prune.ts";
import { setLastApplied } from "./apply/set_last_applied.ts";
import { viewLastApplied } from "./apply/view_last_applied.ts";
import { recordFlag, withChangeCause } from "./change_cause.ts";
import { parseDuration } from "./durations.ts";
import { manifestFlags, namesManifests } from "./manifests.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { withProgress } from "./progress.ts";
import { findTargets, type LoadedTarget, withSource } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import {
  type DryRun,
  dryRunFlag,
  dryRunOf,
  fieldValidationOf,
  printerOptions,
  propagationOf,
  selectorFlags,
  validateFlag,
} from "./write_flags.ts";

/** Makes the cluster's objects what manifests say, keeping what others set. */
export const apply: Verb = defineVerb({
  name: "apply",
  group: "Change",
  summary: "Create or change objects so that they are as manifests say.",
  words: "[words...]",
  flags: {
    ...manifestFlags,
    ...printFlags,
    ...dryRunFlag,
    ...recordFlag,
    ...validateFlag,
    selector: selectorFlags.selector,
    all: { type: "boolean", description: "With --prune: all objects of the types in the namespace." },
    "server-side": { type: "boolean", description: "Let the server merge, by who owns which field." },
    "force-conflicts": {
      type: "boolean",
      description: "With --server-side: take over the fields that others own.",
    },
    "field-manager": {
      type: "string",
      default: "kubectl-client-side-apply",
      placeholder: "name",
      description: "Who is noted as owner of the fields; kubectl with --server-side.",
    },
    prune: {
      type: "boolean",
      description: "Delete what was applied before and is in the manifests no more; with --all or -l.",
    },
    "prune-allowlist": {
      type: "list",
      placeholder: "type",
      description: "With --prune: types to look at, GROUP/VERSION/KIND; may be repeated.",
    },
    applyset: {
      type: "string",
      placeholder: "name",
      description:
        "With --prune and KUBECTL_APPLYSET=true: object that stands for the set of all that is applied together, a secret by default. What was in the set and is in the manifests no more is deleted.",
    },
    force: { type: "boolean", description: "Delete and make anew what cannot be changed." },
    cascade: {
      type: "string",
      default: "background",
      implied: "background",
      placeholder: "mode",
      description: "With --prune or --force, what happens to what it owns: background, foreground or orphan.",
    },
    "grace-period": {
      type: "number",
      default: -1,
      placeholder: "seconds",
      description: "With --prune or --force: seconds that pods get to end.",
    },
    timeout: {
      type: "duration",
      default: "0s",
      placeholder: "duration",
      description: "With --force: how long to wait until an old object is gone; 0: five minutes.",
    },
    // kubectl takes it too: a new object can only be made once the old one is gone.
    wait: { type: "boolean", description: "With --force: wait until the old objects are gone, as it always does." },
    subresource: { type: "string", placeholder: "name", description: "With --server-side: the part to apply." },
    overwrite: { type: "boolean", default: true, description: "Change what others changed meanwhile." },
    "openapi-patch": {
      type: "boolean",
      default: true,
      description: "How kubectl finds out by which keys lists are merged. This program knows them.",
    },
  },
  verbs: [editLastApplied, setLastApplied, viewLastApplied],
  examples: [
    ["Apply a file", "wherry apply -f web.yaml"],
    ["Share an object with others, each with fields of their own", "wherry apply --server-side -f web.yaml"],
  ],
  async run({ flags, given, words, env }) {
    if (words.length > 0)
      throw new UsageError(`Unexpected args: [${words.join(" ")}]\nSee 'wherry apply -h' for help and examples`);
    // What is alpha in kubectl is there for who asks for it.
    if (given.has("applyset") && environmentVariable("KUBECTL_APPLYSET")?.toLowerCase() !== "true")
      throw new UsageError("unknown flag: --applyset\nSee 'wherry apply --help' for usage.");
    const dryRun = dryRunOf(flags, env);
    if (!namesManifests(flags)) throw new UsageError("must specify one of -f and -k");
    const fieldValidation = fieldValidationOf(flags);
    const propagationPolicy = propagationOf(flags.cascade, env);
    const parent = flags.applyset ? await findParent(flags.applyset, env) : undefined;
    const allowed = flags.prune && !parent ? await pruneResources(flags["prune-allowlist"], env) : [];
    checkFlags(flags, dryRun);
    if (parent) await checkParent(parent, env);
    const timeoutMs = parseDuration(flags.timeout) || undefined;
    const shows = flags.output !== undefined && flags.output !== "name";
    const print = await objectPrinter(flags, printerOptions(dryRun, env));
    const gracePeriodSeconds = flags["grace-period"] < 0 ? undefined : flags["grace-period"];
    const serverSide = flags["server-side"];
    const fieldManager = serverSide && !given.has("field-manager") ? "kubectl" : flags["field-manager"];
    const client = await env.client();
    const applied: KubeObject[] = [];
    const uids = new Set<string>();
    const namespaces = new Set<string>(env.namespaceGiven ? [await env.namespace()] : []);

    const applyOne = async ({ resource, key, object, source }: LoadedTarget) => {
      if (key.namespace) namespaces.add(key.namespace);
      if (!key.name && object.metadata.generateName)
        throw new UsageError(`from ${object.metadata.generateName}: cannot use generate name with apply`);
      let step: ApplyStep = { doing: "getting" };
      try {
        if (!key.name) throw new UsageError("resource name may not be empty");
        const wanted = env.changeCause === undefined ? object : withChangeCause(object, env.changeCause);
        const result = await applyObject(client, resource, wanted, {
          dryRun: dryRun === "client" ? "client" : dryRun === "server",
          serverSide,
          force: flags["force-conflicts"],
          fieldManager,
          fieldValidation,
          overwrite: flags.overwrite,
          ...(serverSide ? { subresource: flags.subresource } : {}),
          ...(flags.force ? { recreate: { propagationPolicy, gracePeriodSeconds, timeoutMs } } : {}),
          onStep: (next) => {
            step = next;
          },
          onNote: (text) => env.terminal.warn(`Warning: ${text}`),
          signal: env.signal,
        });
        if (result.object.metadata.deletionTimestamp !== undefined)
          env.terminal.warn(`Warning: Detected changes to resource ${key.name} which is currently being deleted.`);
        if (result.object.metadata.uid) uids.add(result.object.metadata.uid);
        applied.push(result.object);
        if (!shows) await print(result.object, result.outcome);
      } catch (error) {
        if (error instanceof ApplyConflictError)
          env.terminal.warn(`warning: error calculating patch from openapi v3 spec: ${error.changes}\n`);
        throw failureOf(error, step, { resource, key, source });
      }
    };

    const targets = await findTargets(
      { words, manifests: flags, selector: flags.selector, checkTypes: fieldValidation !== "Ignore" },
      env,
    );
    const remove = { dryRun, propagationPolicy, gracePeriodSeconds };
    if (parent) {
      const members: LoadedTarget[] = [];
      await targets.visitLoaded(async (target) => void members.push(asMember(target, parent)));
      if (members.length === 0) throw new UsageError("no objects passed to apply");
      const set = await openApplySet(parent, members, remove, env);
      await applyEach(members, applyOne);
      if (shows) await print(listOf(applied), "");
      await set.prune(uids, (object) => print(object, "pruned"));
      return 0;
    }
    const count = await withProgress(env, async ({ show }) => {
      let visited = 0;
      return await targets.visitLoaded(async (target) => {
        show(`${visited} of ${targets.named} objects applied`);
        await applyOne(target);
        visited++;
      });
    });
    if (count === 0) throw new UsageError("no objects passed to apply");
    if (shows) await print(listOf(applied), "");
    if (flags.prune) {
      tellDefaultTypes(flags["prune-allowlist"], env);
      await prune(
        { allowed, uids, namespaces, selector: flags.selector, ...remove },
        (object) => print(object, "pruned"),
        env,
      );
    }
    return 0;
  },
});

/** Applies one after another; what fails keeps none of the others back. @throws what failed */
async function applyEach(
  targets: readonly LoadedTarget[],
  applyOne: (target: LoadedTarget) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  for (const target of targets) await applyOne(target).catch((error: unknown) => errors.push(error));
  throwAll(errors);
}

function listOf(objects: readonly KubeObject[]): KubeObject {
  const [single] = objects;
  if (objects.length === 1 && single) return single;
  return asObject({
    apiVersion: "v1",
    kind: "List",
    metadata: {},
    items: objects.map((object): JsonObject => asJson(object)),
  });
}

function checkFlags(
  flags: {
    readonly "force-conflicts": boolean;
    readonly "server-side": boolean;
    readonly force: boolean;
    readonly all: boolean;
    readonly prune: boolean;
    readonly selector: string | undefined;
    readonly subresource: string | undefined;
    readonly applyset: string | undefined;
    readonly "prune-allowlist": readonly string[];
  },
  dryRun: DryRun,
): void {
  const serverSide = flags["server-side"];
  if (flags["force-conflicts"] && !serverSide) throw new UsageError("--force-conflicts only works with --server-side");
  if (dryRun === "client" && serverSide)
    throw new UsageError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
  if (serverSide && flags.force) throw new UsageError("--force cannot be used with --server-side");
  if (dryRun === "server" && flags.force) throw new UsageError("--dry-run=server cannot be used with --force");
  if (flags.all && flags.selector) throw new UsageError("cannot set --all and --selector at the same time");
  if (flags.applyset && !flags.prune) throw new UsageError("--applyset requires --prune");
  if (flags.prune && flags.applyset) {
    const other = flags.all
      ? "--all"
      : flags.selector
        ? "--selector"
        : flags["prune-allowlist"].length > 0
          ? "--prune-allowlist"
          : "";
    if (flags.force) throw new UsageError("--force cannot be used with --prune");
    if (other) throw new UsageError(`${other} is incompatible with --applyset`);
  } else if (flags.prune) {
    if (flags.force) throw new UsageError("--force cannot be used with --prune");
    if (!flags.all && !flags.selector)
      throw new UsageError(
        "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector",
      );
    if (serverSide)
      throw new UsageError("--prune is in alpha and doesn't currently work on objects created by server-side apply");
  }
  if (flags.subresource && !serverSide) throw new UsageError("--subresource can only be specified for --server-side");
}

/** What failed, with where it stands and at which step, as kubectl tells it. */
function failureOf(
  error: unknown,
  step: ApplyStep,
  target: Pick<LoadedTarget, "resource" | "key" | "source">,
): unknown {
  const { source } = target;
  if (step.doing === "applying")
    return isReason(error, "Conflict") ? new UsageError(`${error.message}\n${conflictHelp}`) : error;
  if (step.doing === "creating") return withSource(error, "creating", source);
  if (step.doing === "getting" && !(error instanceof ApplyConflictError))
    return withSource(error, `retrieving current configuration of:\n${described(target)}\nfrom server for:`, source);
  if (step.doing === "recreating") {
    const inner = isReason(error, "Timeout") ? new UsageError("context deadline exceeded") : error;
    return withSource(inner, `applying patch:\n${goJson(step.patch)}\n\nto:\n${described(target)}\nfor:`, source);
  }
  const inner = withSource(error, "patching", source);
  const patch = step.doing === "patching" ? goJson(step.patch) : "";
  return withSource(inner, `applying patch:\n${patch}\nto:\n${described(target)}\nfor:`, source);
}

function described({ resource, key }: Pick<LoadedTarget, "resource" | "key">): string {
  const { group, version, plural, kind } = resource;
  const place = `${group}/${version}`;
  return `Resource: "${place}, Resource=${plural}", GroupVersionKind: "${place}, Kind=${kind}"\nName: "${key.name}", Namespace: "${key.namespace ?? ""}"`;
}

const conflictHelp = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`;
