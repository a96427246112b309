import type { Client } from "./client.ts";

/**
 * What `wherry run-script` gives to the `main` of a script.
 *
 * @example
 * import { pod, type ScriptContext } from "wherry";
 *
 * export async function main({ client, namespace }: ScriptContext): Promise<void> {
 *   for (const { metadata } of (await client.list(pod, { namespace })).items) console.log(metadata.name);
 * }
 */
export interface ScriptContext {
  /** Of the cluster that flags and kubeconfig name. */
  readonly client: Client;
  /** The namespace that flags and kubeconfig name. */
  readonly namespace: string;
  /** The words behind the script's name as parseArgs of `@std/cli` reads them with the script's `flags`: `_` has those that are no flags. */
  readonly args: ScriptArgs;
  /** The same words as they were typed. */
  readonly words: readonly string[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Runs another program. */
  readonly $: RunProgram;
}

/** Words of a command line: flags by their names, without their dashes. */
export interface ScriptArgs {
  readonly _: readonly (string | number)[];
  readonly [flag: string]: unknown;
}

/** How a script's flags are read: it may export them as `flags`. Without, `--name` takes the next word as its value. */
export interface ScriptFlags {
  /** Flags without a value. */
  readonly boolean?: readonly string[];
  /** Flags whose values stay text, also where they look like numbers. */
  readonly string?: readonly string[];
  /** Flags that may be repeated: all their values count. */
  readonly collect?: readonly string[];
  /** Other names, e.g. `{ n: "count" }`. */
  readonly alias?: Readonly<Record<string, string>>;
  /** Values of flags that are not given. */
  readonly default?: Readonly<Record<string, unknown>>;
}

/**
 * Runs a program without a shell: the text is split at blanks, a value is one argument whatever it holds, a list several.
 * Its errors are shown. `signal` ends it.
 *
 * @returns what it printed, without the last line's end
 * @throws Error when it cannot be run, or ends with another exit code than 0
 * @example const branch = await $`git -C ${folder} branch --show-current`;
 */
export type RunProgram = (
  text: TemplateStringsArray,
  ...values: readonly (string | number | readonly (string | number)[])[]
) => Promise<string>;
