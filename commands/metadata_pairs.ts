import { asJson } from "../core/api/json_object.ts";
import type { JsonObject, KubeObject, StringMap } from "../core/api/meta.ts";
import { createMergePatch } from "../core/api/patch/mod.ts";
import type { FlagOf } from "../core/flags/flag.ts";
import { throwAll } from "./all_errors.ts";
import { manifestFlags, namesManifests } from "./manifests.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { shownSafely } from "./output/tabbed.ts";
import { findTargets, type LoadedTarget } from "./targets.ts";
import { type Call, UsageError } from "./verb.ts";
import { dryRunFlag, dryRunOf, printerOptions, selectorFlags } from "./write_flags.ts";

type OwnFlags = {
  readonly all: FlagOf<"boolean">;
  readonly list: FlagOf<"boolean">;
  readonly local: FlagOf<"boolean">;
  readonly overwrite: FlagOf<"boolean">;
  readonly "resource-version": FlagOf<"string">;
};

/** The flags of `label` and `annotate`. */
export const metadataFlags: OwnFlags &
  typeof manifestFlags &
  typeof printFlags &
  typeof dryRunFlag &
  typeof selectorFlags = {
  ...manifestFlags,
  ...printFlags,
  ...dryRunFlag,
  ...selectorFlags,
  all: { type: "boolean", description: "All objects of the type in the namespace." },
  list: { type: "boolean", description: "Show what there is." },
  local: { type: "boolean", description: "Change what the files say, and ask no server." },
  overwrite: { type: "boolean", description: "Replace values that are there." },
  "resource-version": { type: "string", placeholder: "version", description: "Only if the object is at this version." },
};

type MetadataCall = Call<
  typeof metadataFlags & { readonly "field-manager": FlagOf<"string">; readonly "all-namespaces": FlagOf<"boolean"> }
>;

/** How `label` and `annotate` differ. */
export interface MetadataVerb {
  readonly field: "labels" | "annotations";
  readonly noun: "label" | "annotation";
  /** Name of the file in kubectl's hint. */
  readonly exampleFile: string;
  /** What the words behind the names say. @throws UsageError */
  parse(pairs: readonly string[]): { readonly set: StringMap; readonly remove: readonly string[] };
  /** What must not be overwritten. */
  check(present: StringMap, added: StringMap): readonly Error[];
  outcome(change: { readonly added: boolean; readonly removed: boolean }): string;
  /** Whether it says which of those to remove are not there. */
  readonly tellsMissing: boolean;
  /** What `-o` shows: the object as changed here, or the server's answer. */
  prints(changed: KubeObject, answer: KubeObject): KubeObject;
  /** Whether each object is printed as if it were the only one: YAML documents without `---` between them. */
  readonly printsApart: boolean;
  /** Whether nothing is sent when nothing changes. */
  readonly skipsUnchanged: boolean;
}

/** Runs `label` or `annotate`. @see k8s.io/kubectl/pkg/cmd/label */
export async function runMetadataVerb({ flags, words, env }: MetadataCall, verb: MetadataVerb): Promise<number> {
  const dryRun = dryRunOf(flags, env);
  const { names, pairs } = splitPairs(words, verb.noun);
  const { set, remove } = verb.parse(pairs);
  checkFlags(flags, { names, changes: Object.keys(set).length + remove.length, dryRun }, verb);
  const printer = () => objectPrinter(flags, printerOptions(dryRun, env));
  let print = await printer();
  const targets = await findTargets(
    {
      words: names,
      manifests: flags,
      selector: flags.selector,
      fieldSelector: flags["field-selector"],
      typeAlone: flags.all,
      allNamespaces: flags["all-namespaces"],
      local: flags.local,
    },
    env,
  );
  const version = flags["resource-version"];
  if (version && !targets.single) throw new UsageError("--resource-version may only be used with a single resource");

  const change = async (target: LoadedTarget) => {
    // Left out of what is compared, the version stands in the patch.
    const before = version ? withVersion(target.object, undefined) : target.object;
    const present = before.metadata[verb.field] ?? {};
    const sends = dryRun !== "client" && !flags.local && !flags.list;
    if (sends && verb.tellsMissing)
      for (const key of remove.filter((key) => !Object.hasOwn(present, key)))
        await env.terminal.write(`${verb.noun} "${key}" not found.\n`);
    if (!flags.overwrite) throwAll(verb.check(present, set));
    const gone = new Set(remove);
    const next = Object.fromEntries(Object.entries({ ...present, ...set }).filter(([key]) => !gone.has(key)));
    const labelled = { ...before, metadata: { ...before.metadata, [verb.field]: next } };
    const changed = version ? withVersion(labelled, version) : labelled;
    const added = Object.entries(set).some(([key, value]) => !Object.hasOwn(present, key) || present[key] !== value);
    const removed = remove.some((key) => Object.hasOwn(present, key));
    if (flags.list) return await list(changed, target, targets.single);
    let answer = changed;
    if (sends && (added || removed || !verb.skipsUnchanged)) {
      const body = patchBetween(before, changed);
      answer = await (await env.client()).patch(
        target.resource,
        target.key,
        { type: "merge", body },
        {
          dryRun: dryRun === "server",
          fieldManager: flags["field-manager"],
          signal: env.signal,
        },
      );
    }
    await print(verb.prints(changed, answer), verb.outcome({ added, removed }));
    if (verb.printsApart) print = await printer();
  };

  async function list(object: KubeObject, { resource, key }: LoadedTarget, single: boolean): Promise<void> {
    const heading = single ? "" : `Listing ${verb.noun}s for ${resource.kind}.${resource.group}/${key.name}:\n`;
    const lines = Object.entries(object.metadata[verb.field] ?? {}).map(
      ([name, value]) => `${single ? "" : " "}${name}=${value}\n`,
    );
    await env.terminal.write(shownSafely(heading + lines.join("")));
  }

  await targets.visitLoaded(change, { latest: true });
  return 0;
}

function checkFlags(
  flags: MetadataCall["flags"],
  { names, changes, dryRun }: { readonly names: readonly string[]; readonly changes: number; readonly dryRun: string },
  { noun, exampleFile }: MetadataVerb,
): void {
  if (flags.list && flags.output && noun === "label")
    throw new UsageError("--list and --output may not be specified together");
  if (flags.all && flags.selector) throw new UsageError("cannot set --all and --selector at the same time");
  if (flags.all && flags["field-selector"])
    throw new UsageError("cannot set --all and --field-selector at the same time");
  if (flags.local) {
    if (dryRun === "server")
      throw new UsageError("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
    if (names.length > 0)
      throw new UsageError(
        `can only use local files by -f ${exampleFile}.yaml or --filename=${exampleFile}.json when --local=true is set`,
      );
    if (!namesManifests(flags))
      throw new UsageError(
        `one or more files must be specified as -f ${exampleFile}.yaml or --filename=${exampleFile}.json`,
      );
  } else if (names.length === 0 && !namesManifests(flags))
    throw new UsageError("one or more resources must be specified as <resource> <name> or <resource>/<name>");
  if (changes === 0 && !flags.list) throw new UsageError(`at least one ${noun} update is required`);
}

function withVersion(object: KubeObject, version: string | undefined): KubeObject {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata: version === undefined ? metadata : { ...metadata, resourceVersion: version } };
}

/** The merge patch that makes one object of the other. */
function patchBetween(before: KubeObject, after: KubeObject): JsonObject {
  const from = asJson(before);
  return createMergePatch(from, asJson(after), from);
}

/** The words before the first `key=value` or `key-`, and those. @throws UsageError for a name behind them */
export function splitPairs(
  words: readonly string[],
  noun: string,
): { readonly names: readonly string[]; readonly pairs: readonly string[] } {
  const isPair = (word: string) =>
    (word.includes("=") && !word.startsWith("=")) || (word.endsWith("-") && word !== "-");
  const first = words.findIndex(isPair);
  if (first < 0) return { names: words, pairs: [] };
  const pairs = words.slice(first);
  const late = pairs.find((word) => !isPair(word));
  if (late !== undefined) throw new UsageError(`all resources must be specified before ${noun} changes: ${late}`);
  return { names: words.slice(0, first), pairs };
}

/** What `key=value` and `key-` say. @throws UsageError for anything else */
export function parsePairs(
  pairs: readonly string[],
  noun: string,
): { readonly set: StringMap; readonly remove: readonly string[] } {
  const set: [string, string][] = [];
  const remove: string[] = [];
  const wrong: string[] = [];
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals > 0) set.push([pair.slice(0, equals), pair.slice(equals + 1)]);
    else if (pair.endsWith("-") && pair !== "-") remove.push(pair.slice(0, -1));
    else wrong.push(pair);
  }
  if (wrong.length > 0) throw new UsageError(`invalid ${noun} format: ${wrong.join(", ")}`);
  return { set: Object.fromEntries(set), remove };
}
