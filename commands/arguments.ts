import { nearest } from "../core/client/nearest.ts";
import { flagValue } from "./flag_value.ts";
import { type Flag, type FlagTable, UnknownVerbError, UsageError, type Verb } from "./verb.ts";

/** A command line as pflag and cobra read it: which verb, its words, its flags each as `--name=value`. */
export interface ParsedArguments {
  /** From the outermost to the one that runs; empty when the line names none. */
  readonly path: readonly Verb[];
  readonly flags: readonly { readonly name: string; readonly value: string }[];
  readonly words: readonly string[];
  readonly literal: readonly string[];
  readonly help: boolean;
}

/**
 * Reads a command line the way kubectl's parser does: flags before and after the verb, `-nkube-system`, `-owide`, `-itc main`,
 * `-o=wide`, `--watch=false`, `--dry-run` with an implied value, `--` before words that are passed on.
 *
 * @throws UsageError with kubectl's words for an unknown verb or flag, or a missing value
 */
export function parseArguments(args: readonly string[], verbs: readonly Verb[], globals: FlagTable): ParsedArguments {
  const path: Verb[] = [];
  const words: string[] = [];
  const pending: { readonly text: string; readonly value: string | undefined }[] = [];
  let literal: readonly string[] = [];
  // First pass: find the verb. A flag before it can only be told from its value by the flags known so far.
  let choices = verbs;
  const queue = [...args];
  const known = () => Object.assign(Object.create(null), globals, ...path.map((verb) => verb.flags)) as FlagTable;
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") {
      const verb = path.at(-1);
      if (verb?.takesCommand || verb?.passesOn) literal = [...queue];
      else if (queue[0] !== undefined && choices.length > 0 && !verb?.run) throw unknownVerb(queue[0], choices, path);
      else words.push(...queue);
      break;
    }
    if (word.startsWith("-") && word !== "-") {
      const takesNext = needsValue(word, known());
      const next = takesNext ? queue.shift() : undefined;
      if (takesNext && next === undefined) throw withHint(`flag needs an argument: ${nameForMessage(word)}`, path);
      pending.push({ text: word, value: next });
      continue;
    }
    const verb =
      words.length === 0 ? choices.find(({ name, aliases }) => name === word || aliases?.includes(word)) : undefined;
    if (verb) {
      path.push(verb);
      choices = verb.verbs ?? [];
      if (verb.passesOn === "all") {
        literal = [...queue];
        break;
      }
    } else if (words.length === 0 && choices.length > 0 && !path.at(-1)?.run) {
      throw unknownVerb(word, choices, path);
    } else {
      words.push(word);
      if (path.at(-1)?.passesOn) {
        literal = [...queue];
        break;
      }
    }
  }
  // As with cobra, the flags of a group are not those of the verbs in it.
  const table = Object.assign(Object.create(null), globals, path.at(-1)?.flags) as FlagTable;
  const flags: { name: string; value: string }[] = [];
  let help = false;
  for (const { text, value } of pending) {
    try {
      for (const flag of expand(text, value, table)) {
        if (flag.name === "help") help = true;
        else flags.push(flag);
      }
    } catch (error) {
      throw error instanceof UsageError ? withHint(error.message, path) : error;
    }
  }
  // As in pflag, what was said last counts; lists collect.
  const last = new Map(flags.map((flag, index) => [flag.name, index]));
  const counting = flags.filter(({ name }, index) => table[name]?.type === "list" || last.get(name) === index);
  return { path, flags: counting, words, literal, help };
}

/** Where the first word is that is neither a flag nor the value of one: what names the verb; -1 where there is none. */
export function indexOfVerb(args: readonly string[], globals: FlagTable): number {
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    if (word === "--") return -1;
    if (!word.startsWith("-") || word === "-") return at;
    if (needsValue(word, globals)) at++;
  }
  return -1;
}

/** Whether the word is a flag whose value is the next word. Unknown flags are complained of later, when the verb is known. */
function needsValue(word: string, table: FlagTable): boolean {
  if (word.includes("=")) return false;
  if (word.startsWith("--")) return takesValue(lookUp(word.slice(2), table));
  const letters = word.slice(1);
  for (let index = 0; index < letters.length; index++) {
    const found = byLetter(letters.charAt(index), table);
    if (takesValue(found?.flag)) return index === letters.length - 1;
  }
  return false;
}

function* expand(text: string, next: string | undefined, table: FlagTable): Generator<{ name: string; value: string }> {
  if (text.startsWith("--")) {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text.slice(2) : text.slice(2, equals);
    if (name === "help") return yield { name, value: "true" };
    const flag = lookUp(name, table);
    if (!flag) throw new UsageError(`unknown flag: --${name}${suggestion(name, Object.keys(table))}`);
    const value = equals < 0 ? (takesValue(flag) ? next : (flag.implied ?? "true")) : text.slice(equals + 1);
    if (value === undefined) throw new UsageError(`flag needs an argument: --${name}`);
    return yield { name, value: flagValue(name, flag, value) };
  }
  const letters = text.slice(1);
  for (let index = 0; index < letters.length; index++) {
    const letter = letters.charAt(index);
    if (letter === "h" && !byLetter("h", table)) {
      yield { name: "help", value: "true" };
      continue;
    }
    const found = byLetter(letter, table);
    if (!found) throw new UsageError(`unknown shorthand flag: '${letter}' in ${text}`);
    const rest = letters.slice(index + 1);
    if (rest.startsWith("=")) return yield read(found, rest.slice(1));
    if (!takesValue(found.flag)) {
      yield { name: found.name, value: found.flag.implied ?? "true" };
      continue;
    }
    const value = rest || next;
    if (value === undefined) throw new UsageError(`flag needs an argument: '${letter}' in ${text}`);
    return yield read(found, value);
  }
}

function read({ name, flag }: { readonly name: string; readonly flag: Flag }, value: string) {
  return { name, value: flagValue(name, flag, value) };
}

function takesValue(flag: Flag | undefined): boolean {
  return flag !== undefined && flag.type !== "boolean" && flag.implied === undefined;
}

function lookUp(name: string, table: FlagTable): Flag | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function byLetter(letter: string, table: FlagTable): { readonly name: string; readonly flag: Flag } | undefined {
  for (const [name, flag] of Object.entries(table)) if (flag.short === letter) return { name, flag };
  return undefined;
}

function nameForMessage(word: string): string {
  return word.startsWith("--") ? word : `'${word.at(-1)}' in ${word}`;
}

function withHint(message: string, path: readonly Verb[]): UsageError {
  const command = ["wherry", ...path.map(({ name }) => name)].join(" ");
  const exitCode = path.at(-1)?.wrongFlagCode;
  return exitCode === undefined
    ? new UsageError(`${message}\nSee '${command} --help' for usage.`)
    : new UsageError(`${message}\nSee '${command} -h' for help and examples`, { exitCode });
}

function unknownVerb(word: string, choices: readonly Verb[], path: readonly Verb[]): UsageError {
  const names = choices.filter(({ hidden }) => !hidden).flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const meant = suggestion(word, names);
  if (path.length === 0)
    return new UnknownVerbError(`unknown command "${word}" for "wherry"${meant}\nRun 'wherry --help' for usage.`);
  const command = ["wherry", ...path.map(({ name }) => name)].join(" ");
  return new UsageError(`unknown command "${word}"${meant}\nSee '${command} -h' for help and examples`);
}

/** ` (did you mean "x"?)` when a known word is near. */
function suggestion(word: string, known: Iterable<string>): string {
  const name = nearest(word, known);
  return name === undefined ? "" : ` (did you mean "${name}"?)`;
}
