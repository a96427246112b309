import type { Flag, FlagTable, FlagValues } from "../core/flags/flag.ts";
import type { CommandEnv } from "./env.ts";

export type { Flag, FlagTable, FlagValues };

/** One use of a verb. */
export interface Call<F extends FlagTable = FlagTable> {
  readonly flags: FlagValues<F>;
  /** Names of the flags that the command line has. */
  readonly given: ReadonlySet<string>;
  /** Positional words: those before `--` where the verb tells them from the others, else all. */
  readonly words: readonly string[];
  /** Words after `--`, of a verb that tells them from the others. */
  readonly literal: readonly string[];
  readonly env: CommandEnv;
}

/** What the user says after `wherry`: a verb with its words and flags, or a group of verbs. */
export interface Verb {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Heading under which the help lists it. */
  readonly group: VerbGroup;
  /** One line. */
  readonly summary: string;
  /** More lines, shown in the verb's own help. */
  readonly description?: string;
  /** Positional words, e.g. `<type> [names...]`. */
  readonly words?: string;
  /** Whether it takes what stands behind `--` for a command. Default: those are words as any. */
  readonly takesCommand?: boolean;
  /** Words and flags behind its first word, or all of them, are not its own: they come as they are, as those after `--` do. */
  readonly passesOn?: "behind its first word" | "all";
  readonly flags: FlagTable;
  readonly examples?: readonly (readonly [what: string, line: string])[];
  readonly hidden?: boolean;
  /** Exit code for a wrong flag. Default 1 */
  readonly wrongFlagCode?: number;
  readonly verbs?: readonly Verb[];
  /** Exit code; undefined is 0. Throws UsageError, StatusError or ConnectionError for what went wrong. */
  run?(call: Call<FlagTable>): Promise<number | undefined>;
}

/** Headings of the help, in order. */
export type VerbGroup = "Start a cluster" | "See" | "Change" | "Roll out" | "Look inside" | "Settings" | "Daemons";

/** Declares a verb; `run` sees the values of its own flags with their types. */
export function defineVerb<const F extends FlagTable>(
  verb: Omit<Verb, "flags" | "run"> & { readonly flags: F; run?(call: Call<F>): Promise<number | undefined> },
): Verb {
  // The adapter builds the values from this very table, so the narrower call is the one that `run` gets.
  return verb as Verb;
}

/** Complains of flags that a verb cannot do without. @throws UsageError with cobra's words */
export function requireFlags(given: ReadonlySet<string>, ...names: readonly string[]): void {
  const missing = names.filter((name) => !given.has(name)).sort();
  if (missing.length > 0)
    throw new UsageError(`required flag(s) ${missing.map((name) => `"${name}"`).join(", ")} not set`);
}

/** What went wrong in a whole sentence: nothing is put in front of it. */
export class PlainError extends Error {
  override readonly name = "PlainError";
}

/** A wrong use of the command line: one line with its remedy. */
export class UsageError extends Error {
  readonly exitCode: number;

  /** @param options.exitCode default 1 */
  constructor(message: string, { exitCode = 1, ...options }: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(message, options);
    this.name = "UsageError";
    this.exitCode = exitCode;
  }
}

/** No verb goes by that name; a plug-in may. */
export class UnknownVerbError extends UsageError {}
