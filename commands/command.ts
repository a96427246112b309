import { Command, ValidationError } from "@cliffy/command";
import { indexOfVerb, parseArguments } from "./arguments.ts";
import { changeCauseOf, recordDeprecation } from "./change_cause.ts";
import type { CommandEnv } from "./env.ts";
import { type Flag, type FlagTable, UsageError, type Verb } from "./verb.ts";

/** Options of {@linkcode runCommand}. */
export interface RunOptions {
  /** By their names; each is loaded when it is used, all of them for the help. */
  readonly verbs: Readonly<Record<string, () => Promise<Verb>>>;
  /** Flags that every verb has. */
  readonly globals: FlagTable;
  readonly version: string;
  readonly write: (text: string) => Promise<void>;
  /** Makes the surroundings of the verb from the values of the global flags, and what is to be noted as the cause of changes. */
  readonly env: (globals: Readonly<Record<string, unknown>>, changeCause?: string) => CommandEnv;
  /** Runs the verb, and what the global flags want before and after it. Default: the verb alone. */
  readonly around?: (
    globals: Readonly<Record<string, unknown>>,
    env: CommandEnv,
    run: () => Promise<number>,
  ) => Promise<number>;
}

/**
 * The only place that talks to Cliffy: declares the verbs as its commands, hands it the command line in the one form that
 * it reads as kubectl does, and runs the verb.
 *
 * @returns the exit code
 * @throws UsageError for a wrong use; whatever the verb throws
 */
export async function runCommand(args: readonly string[], options: RunOptions): Promise<number> {
  if (args.length === 1 && args[0] === "--version") {
    await options.write(`${options.version}\n`);
    return 0;
  }
  const wanted = args[0] === "help" ? [...args.slice(1), "--help"] : args;
  const verbs = await namedVerbs(wanted, options);
  const parsed = parseArguments(wanted, verbs, options.globals);
  const { path, flags, words, literal, help } = parsed;
  let exitCode = 0;
  const root = rootCommand({ ...options, verbs: path.slice(0, 1) }, async (verb) => {
    const values = flagValues(flags, { ...options.globals, ...verb.flags });
    const given = new Set(flags.map(({ name }) => name));
    const globals = globalValues(verb, values, given);
    const env = options.env(globals, changeCauseOf(parsed));
    if (given.has("record")) env.terminal.warn(recordDeprecation);
    const runVerb = async () =>
      (await verb.run?.({
        flags: values as Record<string, never>,
        given,
        words,
        literal,
        env,
      })) ?? 0;
    exitCode = options.around ? await options.around(globals, env, runVerb) : await runVerb();
  });
  const line = path.map(({ name }) => name);
  if (path.length === 0) {
    const all = await Promise.all(Object.values(options.verbs).map((load) => load()));
    await options.write(overview(all, options.version));
    return 0;
  }
  if (help || !path.at(-1)?.run) {
    await root.parse([...line, "--help"]);
    // A group of verbs by itself is no use of it, but for the one that kubectl lets pass.
    return help || path.at(-1)?.name === "certificate" ? 0 : 1;
  }
  line.push(
    ...flags.map(({ name, value }) => `--${name}=${value}`),
    // Cliffy only counts them; behind `--` one may look like a flag.
    ...words.map((word) => word.replace(/^-+(?=.)/, "")),
    ...(literal.length > 0 ? ["--", ...literal] : []),
  );
  try {
    await root.parse(line);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const command = ["wherry", ...path.map(({ name }) => name)].join(" ");
    // Cliffy sets words of its messages in bold, wherever they go.
    const message = error.message.replace(/\p{Cc}\[\d+m/gu, "");
    throw new UsageError(`${message}\nSee '${command} --help' for usage.`);
  }
  return exitCode;
}

/** The verb that the line names, loaded, and in place of the others their names. */
async function namedVerbs(args: readonly string[], { verbs, globals }: RunOptions): Promise<readonly Verb[]> {
  const wanted = args[indexOfVerb(args, globals)];
  const unloaded = { group: "See", summary: "", flags: {} } as const;
  return await Promise.all(
    Object.entries(verbs).map(([name, load]) => (name === wanted ? load() : { name, ...unloaded })),
  );
}

/** The program's own help: its verbs by what they are for. */
function overview(verbs: readonly Verb[], version: string): string {
  const shown = verbs.filter(({ hidden }) => !hidden);
  const width = Math.max(...shown.map(({ name }) => name.length));
  const sections = [...new Set(shown.map(({ group }) => group))].map((group) => {
    const lines = shown
      .filter((verb) => verb.group === group)
      .map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
    return `${group}:\n${lines.join("\n")}\n`;
  });
  return [
    `wherry ${version}: Kubernetes' architecture, small enough to carry.\nEvery command works against wherry and against any Kubernetes.\n`,
    ...sections,
    "Usage: wherry COMMAND [FLAGS]. 'wherry COMMAND --help' says more.\n",
  ].join("\n");
}

type Run = (verb: Verb) => Promise<void>;

function rootCommand(
  { verbs, globals, version }: Pick<RunOptions, "globals" | "version"> & { readonly verbs: readonly Verb[] },
  run: Run,
): Command {
  const root = new Command();
  root
    .name("wherry")
    .version(version)
    .description(
      "Kubernetes' architecture, small enough to carry.\n\nEvery command works against wherry and against any Kubernetes.",
    )
    .noExit()
    .help({ colors: false });
  for (const verb of verbs) root.command(verb.name, commandOf(verb, globals, run)).reset();
  return root;
}

function commandOf(verb: Verb, globals: FlagTable, run: Run): Command {
  const command = new Command();
  command.description([verb.summary, verb.description].filter(Boolean).join("\n\n"));
  if (verb.hidden) command.hidden();
  for (const alias of verb.aliases ?? []) command.alias(alias);
  if (verb.words) command.arguments(verb.words.replace(/([>\]])/g, ":string$1"));
  for (const [what, line] of verb.examples ?? []) command.example(what, line);
  command.group("Options");
  for (const [name, flag] of Object.entries(verb.flags)) addFlag(command, name, flag);
  command.group("Global options");
  for (const [name, flag] of Object.entries(globals))
    if (!Object.hasOwn(verb.flags, name)) addFlag(command, name, flag);
  if (verb.run) {
    command.action(() => run(verb));
  }
  for (const child of verb.verbs ?? []) command.command(child.name, commandOf(child, globals, run)).reset();
  return command;
}

function addFlag(
  command: Command,
  name: string,
  { type, short, description, default: preset, placeholder, hidden, implied }: Flag,
): void {
  const kind = type === "list" || type === "duration" ? "string" : type;
  const value =
    type === "boolean" || implied !== undefined
      ? `[${placeholder ?? kind}:${kind}]`
      : `<${placeholder ?? kind}:${kind}>`;
  const shown =
    preset === undefined || preset === false || preset === "" ? description : `${description} (default ${preset})`;
  command.option(`${short ? `-${short}, ` : ""}--${name} ${value}`, shown, {
    collect: type === "list",
    ...(hidden ? { hidden } : {}),
  });
}

/** The values of the global flags that are given, but for those whose names the verb has for flags of its own. */
function globalValues(
  verb: Verb,
  values: Readonly<Record<string, unknown>>,
  given: ReadonlySet<string>,
): Readonly<Record<string, unknown>> {
  const own = [...given].filter((name) => !Object.hasOwn(verb.flags, name));
  return Object.fromEntries(own.map((name) => [memberOf(name), values[name]]));
}

/** A flag's name as a member's: `label-columns` is `labelColumns`. */
function memberOf(name: string): string {
  return name.replace(/-+([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

/** The values of the flags by their names, with those that are not given. */
function flagValues(
  given: readonly { readonly name: string; readonly value: string }[],
  table: FlagTable,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(table).map(([name, { type, default: preset }]) => {
      const texts = given.filter((flag) => flag.name === name).map(({ value }) => value);
      const last = texts.at(-1);
      if (type === "list") return [name, last === undefined ? (preset ?? []) : texts];
      if (type === "boolean") return [name, last === undefined ? (preset ?? false) : last === "true"];
      return [name, last === undefined ? preset : type === "number" ? Number(last) : last];
    }),
  );
}
