import { asJson, asObject, isJsonObject } from "../core/api/json_object.ts";
import type { Json, JsonObject, KubeObject } from "../core/api/meta.ts";
import { formatYaml } from "../core/api/yaml_writer.ts";
import { joinPath, temporaryFolder, writeTextFile } from "../core/platform/files.ts";
import { environmentVariable } from "../core/platform/process.ts";
import { captureProgram, type ProgramResult } from "../core/platform/programs.ts";
import { errorMessage } from "../core/util/log.ts";
import { throwAll } from "./all_errors.ts";
import { compareWithServer } from "./apply/compare.ts";
import { prunable, pruneResources, tellDefaultTypes } from "./apply/prune.ts";
import { withoutManagedFields } from "./edit/session.ts";
import type { CommandEnv } from "./env.ts";
import { manifestFlags, namesManifests } from "./manifests.ts";
import { errorText } from "./output/errors.ts";
import { findTargets, type LoadedTarget, type Targets } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { selectorFlags } from "./write_flags.ts";

/** Shows what an apply would change. */
export const diff: Verb = defineVerb({
  name: "diff",
  group: "Change",
  summary: "Show what an apply would change; exit code 1 when there is something.",
  words: "[words...]",
  wrongFlagCode: 2,
  flags: {
    ...manifestFlags,
    selector: selectorFlags.selector,
    "server-side": { type: "boolean", description: "Let the server merge, by who owns which field." },
    "force-conflicts": { type: "boolean", description: "With --server-side: take over the fields that others own." },
    "field-manager": {
      type: "string",
      default: "kubectl-client-side-apply",
      placeholder: "name",
      description: "Who would be noted as owner of the fields.",
    },
    prune: { type: "boolean", description: "Show also what a prune would delete." },
    "prune-allowlist": {
      type: "list",
      placeholder: "type",
      description: "With --prune: types to look at, GROUP/VERSION/KIND; may be repeated.",
    },
    "show-managed-fields": { type: "boolean", description: "Show who owns which field too." },
    "show-secrets": { type: "boolean", description: "Show the values of secrets." },
    concurrency: { type: "number", default: 1, placeholder: "n", description: "How many objects to look at at once." },
  },
  examples: [["With colours", "KUBECTL_EXTERNAL_DIFF='colordiff -N -u' wherry diff -f web.yaml"]],
  async run({ flags, given, words, env }) {
    // 1 says that there are differences: what goes wrong ends with more.
    try {
      if (words.length > 0)
        throw new UsageError(`Unexpected args: [${words.join(" ")}]\nSee 'wherry diff -h' for help and examples`);
      if (!namesManifests(flags)) throw new UsageError("must specify one of -f and -k");
      if (flags["force-conflicts"] && !flags["server-side"])
        throw new UsageError("--force-conflicts only works with --server-side");
      return await compare(flags, given.has("field-manager"), env);
    } catch (error) {
      if (env.signal.aborted) throw error;
      env.terminal.warn(errorText(error));
      return 2;
    }
  },
});

interface DiffFlags {
  readonly filename: readonly string[];
  readonly kustomize: string | undefined;
  readonly recursive: boolean;
  readonly selector: string | undefined;
  readonly "server-side": boolean;
  readonly "force-conflicts": boolean;
  readonly "field-manager": string;
  readonly prune: boolean;
  readonly "prune-allowlist": readonly string[];
  readonly "show-managed-fields": boolean;
  readonly "show-secrets": boolean;
  readonly concurrency: number;
}

async function compare(flags: DiffFlags, managerGiven: boolean, env: CommandEnv): Promise<number> {
  await using live = await temporaryFolder("LIVE-");
  await using merged = await temporaryFolder("MERGED-");
  const allowed = flags.prune ? await pruneResources(flags["prune-allowlist"], env) : [];
  const serverSide = flags["server-side"];
  const options = {
    serverSide,
    forceConflicts: flags["force-conflicts"],
    fieldManager: serverSide && !managerGiven ? "kubectl" : flags["field-manager"],
  };
  const targets = await findTargets({ words: [], manifests: flags, selector: flags.selector, stopsAtError: true }, env);
  const seen = new Set<string>();
  const namespaces = new Set<string>();
  const lookAt = async (target: LoadedTarget): Promise<void> => {
    const { before, after } = await compareWithServer(target, options, env);
    if (before?.metadata.uid) seen.add(before.metadata.uid);
    if (target.key.namespace) namespaces.add(target.key.namespace);
    if (after.metadata.deletionTimestamp !== undefined)
      env.terminal.warn(`Warning: Detected changes to resource ${target.key.name} which is currently being deleted.`);
    const [from, to] = shownSides(before, after, flags);
    if (from) await writeTextFile(joinPath(live.path, fileName(target)), formatYaml(asJson(from)));
    await writeTextFile(joinPath(merged.path, fileName(target)), formatYaml(asJson(to)));
  };
  await visitAtOnce(targets, flags.concurrency, lookAt);
  if (flags.prune) tellDefaultTypes(flags["prune-allowlist"], env);
  for (const { resource, object } of await prunable(
    { allowed, uids: seen, namespaces, selector: flags.selector },
    env,
  )) {
    const { namespace, name = "" } = object.metadata;
    const path = joinPath(live.path, fileName({ resource, key: { namespace, name } }));
    await writeTextFile(path, formatYaml(asJson(withoutManagedFields(object))));
  }
  return await runDiff(live.path, merged.path, env);
}

/** Visits up to `limit` targets at once. @throws what failed, once all were visited */
async function visitAtOnce(
  targets: Targets,
  limit: number,
  visit: (target: LoadedTarget) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const errors: unknown[] = [];
  const collect = (error: unknown) => void errors.push(error);
  await targets
    .visitLoaded(async (target) => {
      const one: Promise<void> = visit(target)
        .catch(collect)
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= limit) await Promise.race(running);
    })
    .catch(collect);
  await Promise.all(running);
  throwAll(errors);
}

function fileName({ resource, key }: Pick<LoadedTarget, "resource" | "key">): string {
  const group = resource.group ? `${resource.group}.` : "";
  return `${group}${resource.version}.${resource.kind}.${key.namespace ?? ""}.${key.name}`;
}

function shownSides(
  before: KubeObject | undefined,
  after: KubeObject,
  flags: DiffFlags,
): readonly [KubeObject | undefined, KubeObject] {
  const plain = (object: KubeObject) => (flags["show-managed-fields"] ? object : withoutManagedFields(object));
  const [from, to] = [before && plain(before), plain(after)];
  const secret = to.apiVersion === "v1" && to.kind === "Secret";
  return secret && !flags["show-secrets"] ? masked(from, to) : [from, to];
}

/** Both sides without their values: only whether they differ is to be seen. */
function masked(from: KubeObject | undefined, to: KubeObject): readonly [KubeObject | undefined, KubeObject] {
  const dataOf = (object: KubeObject | undefined): JsonObject => {
    const data = object === undefined ? undefined : asJson(object)["data"];
    return isJsonObject(data) ? data : {};
  };
  const [old, now] = [dataOf(from), dataOf(to)];
  const differs = (key: string) => Object.hasOwn(old, key) && Object.hasOwn(now, key) && old[key] !== now[key];
  const cover = (data: JsonObject, changed: string) =>
    Object.fromEntries(
      Object.keys(data).map((key): [string, Json] => [key, differs(key) ? `*** (${changed})` : "***"]),
    );
  const withData = (object: KubeObject, data: JsonObject): KubeObject =>
    Object.keys(data).length === 0 ? object : asObject({ ...asJson(object), data });
  return [from && withData(from, cover(old, "before")), withData(to, cover(now, "after"))];
}

/** Runs `diff -u -N`, or the program of KUBECTL_EXTERNAL_DIFF, on two folders. @returns its exit code */
async function runDiff(from: string, to: string, env: CommandEnv): Promise<number> {
  const [external, ...words] = (environmentVariable("KUBECTL_EXTERNAL_DIFF") ?? "").split(" ");
  const program = external || "diff";
  const flags = external ? words.filter((word) => /^[a-zA-Z0-9=-]+$/.test(word)) : ["-u", "-N"];
  const args = external ? [from, to, ...flags] : [...flags, from, to];
  let result: ProgramResult;
  try {
    result = await captureProgram(program, args, { signal: env.signal, keepErrors: true });
  } catch (error) {
    const missing = (error as { readonly code?: string }).code === "ENOENT";
    const why = missing ? "executable file not found in $PATH" : errorMessage(error);
    throw new UsageError(`failed to run "${program}": ${why}`);
  }
  await env.terminal.write(result.stdout);
  if (result.stderr.length > 0) await env.terminal.writeError(result.stderr);
  if (result.code > 1) throw new UsageError(`failed to run "${program}": exit status ${result.code}`);
  return result.code;
}
