import { indexOfVerb, parseArguments } from "../arguments.ts";
import { flagValue } from "../flag_value.ts";
import type { Flag, FlagTable, Verb } from "../verb.ts";
import type { PreferredAlias, PreferredDefaults, PreferredOption } from "./kuberc.ts";

/** What expanding looks at. */
export interface ExpandOptions {
  readonly aliases: readonly PreferredAlias[];
  readonly defaults: readonly PreferredDefaults[];
  readonly verbs: Readonly<Record<string, () => Promise<Verb>>>;
  readonly globals: FlagTable;
  /** Says what of the preferences cannot be used. */
  readonly warn: (line: string) => void;
}

/**
 * A command line as it would stand without preferences: an alias replaced with its command, preferred values of flags that
 * are not on the line behind the verb. Verbs go before aliases; the preferred values of a command are not those of its
 * aliases.
 *
 * @throws Error with kubectl's words for preferences that cannot be
 * @see k8s.io/kubectl/pkg/kuberc/kuberc.go
 */
export async function expandArguments(args: readonly string[], options: ExpandOptions): Promise<readonly string[]> {
  const at = indexOfVerb(args, options.globals);
  const word = args[at];
  if (word === undefined) return args;
  if (Object.hasOwn(options.verbs, word)) return await withDefaults(args, at, options);
  const alias = options.aliases.find(({ name }) => name === word);
  return alias ? await withoutAlias(args, at, alias, options) : args;
}

/** The command line of an alias. */
async function withoutAlias(
  args: readonly string[],
  at: number,
  alias: PreferredAlias,
  options: ExpandOptions,
): Promise<readonly string[]> {
  const { name, command, prependArgs = [], appendArgs = [] } = alias;
  const path = await findPath(command, options.verbs);
  if (!path) throw new Error(`command ${JSON.stringify(command)} not found to set alias "${name}": [${command}]`);
  for (const { command } of options.defaults) {
    const [first = ""] = wordsOf(command);
    if (first === name) throw new Error(`alias ${name} can not be overridden`);
    if (!Object.hasOwn(options.verbs, first)) warnOfUnknown(command, options);
  }
  const [before, after] = [args.slice(0, at), args.slice(at + 1)];
  const words = path.map((verb) => verb.name);
  const given = flagsOf([...before, ...words, ...after], path, options);
  const flags = preferred(alias.options ?? [], path, given, {
    globals: options.globals,
    unknown: (flag) => `invalid alias flag ${flag} in alias ${name}`,
    refused: (flag, value) => `could not apply value ${value} to flag ${flag} in alias ${name}`,
  });
  return [...before, ...words, ...flags, ...prependArgs, ...after, ...appendArgs];
}

/** The command line with the values that the user prefers for flags of its verb. */
async function withDefaults(args: readonly string[], at: number, options: ExpandOptions): Promise<readonly string[]> {
  const { defaults, verbs, globals } = options;
  const word = args[at] ?? "";
  const flags: string[] = [];
  let current: Promise<readonly Verb[] | undefined> | undefined;
  for (const { command, options: wanted = [] } of defaults) {
    const [first = ""] = wordsOf(command);
    if (!Object.hasOwn(verbs, first)) warnOfUnknown(command, options);
    if (first !== word) continue;
    current ??= pathOf(args, word, options);
    const [path, meant] = await Promise.all([current, findPath(command, verbs)]);
    if (!path || !meant || path.length !== meant.length || path.some((verb, index) => verb !== meant[index])) continue;
    const given = flagsOf(args, path, options);
    flags.push(
      ...preferred(wanted, path, given, {
        globals,
        unknown: (flag) => `invalid flag ${flag} for command ${command}`,
        refused: (flag, value) => `could not apply override value ${value} to flag ${flag} in command ${command}`,
      }),
    );
  }
  return flags.length === 0 ? args : [...args.slice(0, at + 1), ...flags, ...args.slice(at + 1)];
}

function warnOfUnknown(command: string, { warn }: ExpandOptions): void {
  warn(`Warning: command ${JSON.stringify(command)} not found to set kuberc override`);
}

function wordsOf(command: string): readonly string[] {
  return command.split(/\s+/).filter((word) => word !== "");
}

/** The verbs that a command names, as far as its words do; undefined when its first names none. */
async function findPath(command: string, verbs: ExpandOptions["verbs"]): Promise<readonly Verb[] | undefined> {
  const [first = "", ...rest] = wordsOf(command);
  if (!Object.hasOwn(verbs, first)) return undefined;
  const path = [await verbs[first]?.()].filter((verb) => verb !== undefined);
  for (const word of rest) {
    const next = path.at(-1)?.verbs?.find(({ name, aliases }) => name === word || aliases?.includes(word));
    if (!next) break;
    path.push(next);
  }
  return path;
}

/** The verbs that a command line names; undefined when it cannot be read: who runs it says why. */
async function pathOf(
  args: readonly string[],
  word: string,
  { verbs, globals }: ExpandOptions,
): Promise<readonly Verb[] | undefined> {
  const verb = await verbs[word]?.();
  try {
    return verb && parseArguments(args, [verb], globals).path;
  } catch {
    return undefined;
  }
}

/** Names of the flags on a command line; undefined when it cannot be read. */
function flagsOf(
  args: readonly string[],
  [verb]: readonly Verb[],
  { globals }: ExpandOptions,
): ReadonlySet<string> | undefined {
  try {
    return verb && new Set(parseArguments(args, [verb], globals).flags.map(({ name }) => name));
  } catch {
    return undefined;
  }
}

/** The preferred values as flags, but for those that are given. */
function preferred(
  options: readonly PreferredOption[],
  path: readonly Verb[],
  given: ReadonlySet<string> | undefined,
  {
    globals,
    unknown,
    refused,
  }: {
    readonly globals: FlagTable;
    readonly unknown: (flag: string) => string;
    readonly refused: (flag: string, value: string) => string;
  },
): readonly string[] {
  const table = new Map(Object.entries(Object.assign(Object.create(null), globals, ...path.map(({ flags }) => flags))));
  return options.flatMap(({ name, default: value }) => {
    const flag = table.get(name) as Flag | undefined;
    if (!flag) throw new Error(unknown(name));
    // Whoever runs a line that cannot be read says what is wrong with it.
    if (!given || given.has(name)) return [];
    try {
      return [`--${name}=${flagValue(name, flag, value)}`];
    } catch (error) {
      throw new Error(`${refused(name, value)} err: ${(error as Error).message}`);
    }
  });
}
