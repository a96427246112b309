import { namespace as namespaces } from "../../core/kinds/namespace.ts";
import { pod } from "../../core/kinds/pod.ts";
import type { CommandEnv } from "../env.ts";
import { resourceNamed, resourcesOf } from "../resource_args.ts";
import type { FlagTable, Verb } from "../verb.ts";

/** One way for a word to go on. */
export interface Completion {
  readonly text: string;
  /** What it is, in a few words. */
  readonly what?: string;
}

/** What completing looks at. */
export interface CompleteOptions {
  readonly verbs: Readonly<Record<string, () => Promise<Verb>>>;
  readonly globals: FlagTable;
  /** The surroundings that the line's own flags make, by their names: `-n` and `--context` count. */
  readonly env: (given: Readonly<Record<string, string>>) => CommandEnv;
}

/** How the last of the words may go on: verbs, flags, kinds, names, namespaces, contexts, containers. None when the server does not answer. */
export async function completeLine(
  words: readonly string[],
  { verbs, globals, env: envOf }: CompleteOptions,
): Promise<readonly Completion[]> {
  const last = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const { path, positional, table, pending, given } = await readWords(before, verbs, globals);
  const verb = path.at(-1);
  const env = envOf(given);
  try {
    if (pending) return matching(await flagValues(pending, positional, env), last);
    if (last.startsWith("-")) {
      if (last.startsWith("--") && last.includes("=")) {
        const [name = "", value = ""] = last.slice(2).split("=");
        return matching(await flagValues(name, positional, env), value);
      }
      const flags = Object.entries(table).filter(([, { hidden }]) => !hidden);
      return matching(
        flags.map(([name, { description }]) => ({ text: `--${name}`, what: description })),
        last,
      );
    }
    if (!verb) {
      if (positional.length > 0) return [];
      const all = await Promise.all(Object.values(verbs).map((load) => load()));
      return matching(visible(all), last);
    }
    if (verb.verbs && positional.length === 0) {
      const below = matching(visible(verb.verbs), last);
      if (below.length > 0 || !verb.run) return below;
    }
    return matching(await wordsOf(verb, positional, last, env), last);
  } catch (error) {
    if (env.signal.aborted) throw error;
    // Whoever presses the tabulator wants no error in the middle of a line.
    return [];
  }
}

function visible(verbs: readonly Verb[]): readonly Completion[] {
  return verbs.filter(({ hidden }) => !hidden).map(({ name, summary }) => ({ text: name, what: summary }));
}

function matching(found: readonly Completion[], word: string): readonly Completion[] {
  return found.filter(({ text }) => text.startsWith(word));
}

async function readWords(
  words: readonly string[],
  verbs: CompleteOptions["verbs"],
  globals: FlagTable,
): Promise<{
  readonly path: readonly Verb[];
  readonly positional: readonly string[];
  readonly table: FlagTable;
  /** Flag whose value comes next. */
  readonly pending: string | undefined;
  /** Values of the flags before. */
  readonly given: Readonly<Record<string, string>>;
}> {
  const path: Verb[] = [];
  const positional: string[] = [];
  let table: FlagTable = globals;
  const given: Record<string, string> = {};
  let pending: string | undefined;
  for (const word of words) {
    if (pending) {
      given[pending] = word;
      pending = undefined;
      continue;
    }
    if (word.startsWith("-") && word !== "-") {
      const { name, value } = flagOf(word, table);
      if (name !== undefined && value !== undefined) given[name] = value;
      else pending = name;
      continue;
    }
    const below = path.at(-1)?.verbs?.find(({ name, aliases }) => name === word || aliases?.includes(word));
    const verb =
      path.length === 0 && Object.hasOwn(verbs, word)
        ? await verbs[word]?.()
        : positional.length === 0
          ? below
          : undefined;
    if (verb) {
      path.push(verb);
      table = { ...table, ...verb.flags };
    } else positional.push(word);
  }
  return { path, positional, table, pending, given };
}

/** The flag with a value that a word is, by its whole name, with the value where the word has it; no name for any other. */
function flagOf(word: string, table: FlagTable): { readonly name?: string; readonly value?: string } {
  const takesValue = (name: string) => {
    const flag = Object.hasOwn(table, name) ? table[name] : undefined;
    return flag !== undefined && flag.type !== "boolean" && flag.implied === undefined;
  };
  const [, long, equals, text = ""] = /^--([^=]+)(=?)(.*)$/s.exec(word) ?? [];
  if (long !== undefined) return takesValue(long) ? { name: long, ...(equals ? { value: text } : {}) } : {};
  // Of flags in one word the first that takes a value has the rest of it.
  for (let at = 1; at < word.length; at++) {
    const name = Object.entries(table).find(([, { short }]) => short === word[at])?.[0];
    if (name === undefined) return {};
    if (!takesValue(name)) continue;
    const value = word.slice(at + 1).replace(/^=/, "");
    return { name, ...(value ? { value } : {}) };
  }
  return {};
}

async function flagValues(
  flag: string,
  positional: readonly string[],
  env: CommandEnv,
): Promise<readonly Completion[]> {
  const client = () => env.client();
  switch (flag) {
    case "namespace":
      return named((await (await client()).list(namespaces, { signal: env.signal })).items);
    case "context":
    case "cluster":
    case "user": {
      const { loadKubeconfig } = await import("../../core/client/kubeconfig.ts");
      const config = await loadKubeconfig({ path: env.kubeconfig, mayBeMissing: true });
      const section = { context: config.contexts, cluster: config.clusters, user: config.users }[flag];
      return [...section.keys()].map((text) => ({ text }));
    }
    case "container": {
      const name = positional.at(-1)?.split("/").at(-1);
      if (!name) return [];
      const { spec } = await (await client()).get(
        pod,
        { namespace: await env.namespace(), name },
        { signal: env.signal },
      );
      return [...(spec.initContainers ?? []), ...spec.containers].map((one) => ({ text: one.name }));
    }
    case "output":
      return "json yaml name wide jsonpath= custom-columns= go-template=".split(" ").map((text) => ({ text }));
    default:
      return [];
  }
}

function named(items: readonly { readonly metadata: { readonly name?: string } }[]): readonly Completion[] {
  return items.map(({ metadata }) => ({ text: metadata.name ?? "" }));
}

/** Verbs whose words are pods. */
const ofPods = ["logs", "exec", "attach", "port-forward", "cp", "debug"];

async function wordsOf(
  verb: Verb,
  positional: readonly string[],
  last: string,
  env: CommandEnv,
): Promise<readonly Completion[]> {
  const client = await env.client();
  const isPodVerb = ofPods.includes(verb.name);
  if (isPodVerb && !last.includes("/")) return positional.length === 0 ? await namesOf("pods", env) : [];
  if (verb.name === "completion") return ["bash", "zsh", "fish"].map((text) => ({ text }));
  if (verb.name === "ns") return await flagValues("namespace", [], env);
  if (["use-context", "delete-context", "rename-context"].includes(verb.name))
    return await flagValues("context", [], env);
  if (["cordon", "uncordon", "drain"].includes(verb.name)) return await namesOf("nodes", env);
  if (!/type|names|object/.test(verb.words ?? "")) return [];
  const [type, name] = last.split("/");
  if (type && name !== undefined) return (await namesOf(type, env)).map(({ text }) => ({ text: `${type}/${text}` }));
  const [first] = positional;
  if (first !== undefined) {
    if (first.includes("/")) return [];
    const known = new Set(positional.slice(1));
    return (await namesOf(first, env)).filter(({ text }) => !known.has(text));
  }
  const resources = (await resourcesOf(client)).map(({ plural, group, kind }) => ({
    text: group.includes(".") && !group.endsWith(".k8s.io") ? `${plural}.${group}` : plural,
    what: kind,
  }));
  // Several groups may have a resource of one name.
  return [...new Map(resources.map((one) => [one.text, one])).values()];
}

/** So many names are offered. */
const maxNames = 1000;

async function namesOf(type: string, env: CommandEnv): Promise<readonly Completion[]> {
  const client = await env.client();
  const resource = await resourceNamed(client, type);
  const namespace = resource.namespaced ? await env.namespace() : undefined;
  return named((await client.list(resource, { namespace, limit: maxNames, signal: env.signal })).items);
}
