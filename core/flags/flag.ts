/** One flag of a command or daemon. */
export interface Flag {
  /** The value of a `duration` is text that Go reads as one. */
  readonly type: "string" | "boolean" | "number" | "duration" | "list";
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

/** A flag of one type, for tables whose type is written out. */
export type FlagOf<Type extends Flag["type"]> = Flag & { readonly type: Type };

/** A flag with a default value, for tables whose type is written out. */
export type FlagWithDefault<Type extends Flag["type"], Default> = Flag & {
  readonly type: Type;
  readonly default: Default;
};

/** Flags by their long names. */
export type FlagTable = { readonly [name: string]: Flag };

/** The values that a table of flags gives: absent ones are undefined, `false` or an empty list. */
export type FlagValues<F extends { readonly [Name in keyof F]: Flag }> = {
  readonly [Name in keyof F]: F[Name]["type"] extends "boolean"
    ? boolean
    : F[Name]["type"] extends "list"
      ? readonly string[]
      :
          | (F[Name]["type"] extends "number" ? number : string)
          | (F[Name] extends { readonly default: string | number } ? never : undefined);
};
