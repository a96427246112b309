import { asJson, asObject } from "../core/api/json_object.ts";
import { labelValueErrors, qualifiedNameErrors } from "../core/api/label_validation.ts";
import type { KubeObject } from "../core/api/meta.ts";
import { applyStrategicPatch, createStrategicPatch } from "../core/api/patch/mod.ts";
import { throwAll } from "./all_errors.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { resourceNamed } from "./resource_args.ts";
import { findTargets } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import {
  dryRunFlag,
  dryRunOf,
  fieldManagerFlag,
  fieldValidationOf,
  printerOptions,
  selectorFlags,
  validateFlag,
} from "./write_flags.ts";

/** A taint as a node has it. */
interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

interface TaintedNode extends KubeObject {
  readonly spec?: { readonly taints?: readonly Taint[] };
}

const effects: ReadonlySet<string> = new Set(["NoSchedule", "PreferNoSchedule", "NoExecute"]);
const nodeSchema = "io.k8s.api.core.v1.Node";

/** Sets and removes taints of nodes. */
export const taint: Verb = defineVerb({
  name: "taint",
  group: "Change",
  summary: "Set and remove taints of nodes.",
  words: "[node] [names-and-taints...]",
  flags: {
    ...printFlags,
    ...dryRunFlag,
    ...validateFlag,
    ...fieldManagerFlag("kubectl-taint"),
    selector: selectorFlags.selector,
    all: { type: "boolean", description: "All nodes." },
    overwrite: { type: "boolean", description: "Replace taints that are there." },
  },
  examples: [
    ["Keep pods away", "wherry taint nodes one dedicated=db:NoSchedule"],
    ["No more", "wherry taint nodes one dedicated-"],
  ],
  async run({ flags, words, env }) {
    const dryRun = dryRunOf(flags, env);
    const fieldValidation = fieldValidationOf(flags);
    const { names, specs } = splitTaints(words);
    const [type, ...nodes] = names;
    if (type === undefined) throw new UsageError("one or more resources must be specified as <resource> <name>");
    if (specs.length === 0) throw new UsageError("at least one taint update is required");
    const { add, remove } = parseTaints(specs);
    const client = await env.client();
    const { kind, plural } = await resourceNamed(client, type);
    if (kind !== "Node")
      throw new UsageError(`invalid resource type ${type.toLowerCase()}, only node types are supported`);
    checkConflicts(add, remove);
    if (flags.all && flags.selector)
      throw new UsageError("setting 'all' parameter with a non empty selector is prohibited");
    if (!flags.all && !flags.selector && nodes.length === 0)
      throw new UsageError("at least one resource name must be specified since 'all' parameter is not set");
    // As in patch: what was done is said, dry run or not.
    const print = await objectPrinter(flags, { ...printerOptions("none", env), structures: dryRun !== "client" });
    const some = flags.all || flags.selector;
    const targets = await findTargets(
      { words: [plural, ...(some ? [] : nodes)], selector: flags.selector, everything: flags.all },
      env,
    );
    await targets.visitLoaded(
      async ({ resource, key, object }) => {
        const node = object as TaintedNode;
        const { operation, taints } = planTaints(node, add, remove, flags.overwrite);
        const before = asJson(node);
        const after = asJson({ ...node, spec: { ...node.spec, taints } });
        const body = createStrategicPatch(before, after, before, nodeSchema);
        if (dryRun === "client") return await print(asObject(applyStrategicPatch(before, body, nodeSchema)), operation);
        const patched = await client.patch(
          resource,
          key,
          { type: "strategic", body },
          {
            dryRun: dryRun === "server",
            fieldManager: flags["field-manager"],
            fieldValidation,
            signal: env.signal,
          },
        );
        await print(patched, operation);
      },
      { latest: true },
    );
    return 0;
  },
});

function splitTaints(words: readonly string[]): {
  readonly names: readonly string[];
  readonly specs: readonly string[];
} {
  const isTaint = (word: string) => word.includes("=") || word.includes(":") || word.endsWith("-");
  const first = words.findIndex(isTaint);
  if (first < 0) return { names: words, specs: [] };
  const specs = words.slice(first);
  const late = specs.find((word) => !isTaint(word));
  if (late !== undefined) throw new UsageError(`all resources must be specified before taint changes: ${late}`);
  return { names: words.slice(0, first), specs };
}

function parseTaints(specs: readonly string[]): { readonly add: readonly Taint[]; readonly remove: readonly Taint[] } {
  const add: Taint[] = [];
  const remove: Taint[] = [];
  for (const spec of specs) {
    if (spec.endsWith("-")) {
      const { key, effect } = parseTaint(spec.slice(0, -1));
      remove.push({ key, effect });
      continue;
    }
    const one = parseTaint(spec);
    if (one.effect === "") throw wrongUse(`invalid taint spec: ${spec}`);
    if (add.some((other) => matches(other, one)))
      throw wrongUse(
        `duplicated taints with the same key and effect: {${one.key} ${one.value ?? ""} ${one.effect} <nil>}`,
      );
    add.push(one);
  }
  return { add, remove };
}

function parseTaint(spec: string): Taint {
  const [left = "", effect, ...more] = spec.split(":");
  if (more.length > 0) throw wrongUse(`invalid taint spec: ${spec}`);
  if (effect !== undefined && !effects.has(effect))
    throw wrongUse(`invalid taint effect: ${effect}, unsupported taint effect`);
  const [key = "", value, ...rest] = effect === undefined ? [left] : left.split("=");
  if (rest.length > 0) throw wrongUse(`invalid taint spec: ${spec}`);
  const wrong = [...labelValueErrors(value ?? ""), ...qualifiedNameErrors(key)];
  if (wrong.length > 0) throw wrongUse(`invalid taint spec: ${spec}, ${wrong.join("; ")}`);
  return { key, ...(value ? { value } : {}), effect: effect ?? "" };
}

function wrongUse(message: string): UsageError {
  return new UsageError(`${message}\nSee 'wherry taint -h' for help and examples`);
}

function checkConflicts(add: readonly Taint[], remove: readonly Taint[]): void {
  const both = add.flatMap((one) =>
    remove
      .filter(({ key, effect }) => key === one.key && (effect === "" || effect === one.effect))
      .map(({ key, effect }) => `${key}=${effect}`),
  );
  if (both.length > 0)
    throw new UsageError(
      `can not both modify and remove the following taint(s) in the same command: ${both.join(", ")}`,
    );
}

function matches(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}

/** The taints that a node is to have, and what that does. Pure. @see k8s.io/kubectl/pkg/cmd/taint/utils.go */
function planTaints(
  { metadata, spec }: TaintedNode,
  add: readonly Taint[],
  remove: readonly Taint[],
  overwrite: boolean,
): { readonly operation: string; readonly taints: readonly Taint[] } {
  const old = spec?.taints ?? [];
  if (!overwrite) {
    const there = add.filter((one) => old.some((other) => matches(one, other))).map(({ key }) => key);
    if (there.length > 0)
      throw new UsageError(
        `node ${metadata.name} already has ${there.join(",")} taint(s) with same effect(s) and --overwrite is false`,
      );
  }
  let taints = [...add, ...old.filter((one) => !add.some((other) => matches(one, other)))];
  const added = taints.length !== old.length;
  const missing: UsageError[] = [];
  let removed = false;
  for (const { key, effect } of remove) {
    const rest = taints.filter((one) => one.key !== key || (effect !== "" && one.effect !== effect));
    removed = rest.length !== taints.length;
    if (!removed) missing.push(new UsageError(`taint "${key}${effect ? `:${effect}` : ""}" not found`));
    taints = rest;
  }
  throwAll(missing);
  const operation = (added && removed) || overwrite ? "modified" : added ? "tainted" : "untainted";
  return { operation, taints };
}
