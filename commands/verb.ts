import type { CommandEnv } from "./env.ts";

/** One flag of a verb. */
export interface Flag {
  readonly type: "string" | "boolean" | "number" | "list";
  readonly description: string;
  /** One letter. */
  readonly short?: string;
  readonly default?: string | boolean | number;
  /** What the flag means when it is given without a value (`--dry-run` is `--dry-run=unchanged`). Booleans mean true. */
  readonly implied?: string;
  /** Shown in the help in place of the value. Default: the type. */
  readonly placeholder?: string;
  readonly hidden?: boolean;
}

/** Flags by their long names. */
export type FlagTable = { readonly [name: string]: Flag };

/** The values that a table of flags gives: absent ones are undefined, `false` or an empty list. */
export type FlagValues<F extends FlagTable> = {
  readonly [Name in keyof F]: F[Name]["type"] extends "boolean"
    ? boolean
    : F[Name]["type"] extends "list"
      ? readonly string[]
      :
          | (F[Name]["type"] extends "number" ? number : string)
          | (F[Name] extends { readonly default: string | number } ? never : undefined);
};

/** One use of a verb. */
export interface Call<F extends FlagTable = FlagTable> {
  readonly flags: FlagValues<F>;
  /** Positional words before `--`. */
  readonly words: readonly string[];
  /** Words after `--`. */
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
  readonly flags: FlagTable;
  readonly examples?: readonly (readonly [what: string, line: string])[];
  readonly hidden?: boolean;
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

/** A wrong use of the command line: one line with its remedy; exit code 1. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}
