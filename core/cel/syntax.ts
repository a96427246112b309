import type { Value } from "./values.ts";

/** An expression with its macros expanded. `at` is where it stands in the source: the offset that messages point to. */
export type Expr =
  | { readonly op: "const"; readonly at: number; readonly value: Value }
  | { readonly op: "ident"; readonly at: number; readonly name: string }
  | {
      readonly op: "select";
      readonly at: number;
      readonly operand: Expr;
      readonly field: string;
      /** `has(x.y)` tests, `x.?y` gives an optional. */
      readonly mode: "get" | "test" | "optional";
    }
  | {
      readonly op: "call";
      readonly at: number;
      readonly name: string;
      readonly target?: Expr;
      readonly args: readonly Expr[];
    }
  | { readonly op: "list"; readonly at: number; readonly elements: readonly Expr[]; readonly optional: OptionalEntries }
  | {
      readonly op: "map";
      readonly at: number;
      readonly entries: readonly (readonly [key: Expr, value: Expr])[];
      readonly optional: OptionalEntries;
    }
  /** `Name{field: value}` */
  | { readonly op: "message"; readonly at: number; readonly name: string; readonly fields: readonly MessageField[] }
  | { readonly op: "and" | "or"; readonly at: number; readonly terms: readonly Expr[] }
  | Loop
  /** `cel.bind(name, value, body)` */
  | { readonly op: "bind"; readonly at: number; readonly name: string; readonly value: Expr; readonly body: Expr }
  /** `x.optMap(name, body)` and `x.optFlatMap(name, body)` */
  | {
      readonly op: "optional";
      readonly at: number;
      readonly operand: Expr;
      readonly name: string;
      readonly body: Expr;
      readonly flat: boolean;
    };

/** Which entries of a literal are only there when their value is: `[?a]`, `{?b: c}`. */
export type OptionalEntries = ReadonlySet<number>;

/** A field that a message is made with. */
export interface MessageField {
  readonly at: number;
  readonly name: string;
  readonly value: Expr;
  /** Whether the field is only there when its value is. */
  readonly optional: boolean;
}

/** What a macro over a list or map does. */
export type LoopKind =
  | "all"
  | "exists"
  | "existsOne"
  | "map"
  | "filter"
  | "sortBy"
  | "transformList"
  | "transformMap"
  | "transformMapEntry";

/** A macro over a list or map: `x.all(v, …)`, `x.transformMap(k, v, …)`. */
export interface Loop {
  readonly op: "loop";
  readonly at: number;
  readonly loop: LoopKind;
  readonly range: Expr;
  /** Element of a list or key of a map; with two variables the index or key, and the element or value. */
  readonly variables: readonly string[];
  readonly filter?: Expr;
  readonly body: Expr;
}
