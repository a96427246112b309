/**
 * Stand-in for `@cliffy/command` in the npm build, which cannot depend on JSR packages: the part of its API that wherry
 * uses, with the same results. Deno users get the real package. The contract both keep is `tests/npm/cliffy_contract.test.ts`.
 */

/** A wrong use of the command line. `exitCode` is what the process should exit with. */
export class ValidationError extends Error {
  readonly exitCode: number;
  cmd?: Command;

  constructor(message: string, { exitCode = 2, cause }: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause });
    this.name = "ValidationError";
    this.exitCode = exitCode;
  }
}

/** Settings of an option. */
export interface OptionSettings {
  readonly hidden?: boolean;
  readonly required?: boolean;
  readonly collect?: boolean;
  readonly default?: unknown;
}

/** An option as declared. */
export interface Option extends OptionSettings {
  readonly name: string;
  readonly flags: readonly string[];
  readonly typeDefinition?: string;
  readonly description: string;
  readonly groupName?: string;
  readonly global?: boolean;
}

/** A positional argument as declared. */
export interface Argument {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  readonly variadic: boolean;
}

/** What `parse()` resolves to. */
export interface CommandResult {
  readonly options: Record<string, unknown>;
  readonly args: readonly unknown[];
  readonly literal: readonly string[];
  readonly cmd: Command;
}

/** Called when its command was parsed; `this` is the command. */
export type Action = (this: Command, options: Record<string, unknown>, ...args: unknown[]) => unknown;

/** A command with its options, arguments and sub-commands. */
export class Command {
  #name = "";
  #parent: Command | undefined;
  #version: string | undefined;
  #description = "";
  #usage: string | undefined;
  #group: string | undefined;
  #hidden = false;
  #throws = false;
  #raw = false;
  #action: Action | undefined;
  #selected: Command = this;
  readonly #aliases: string[] = [];
  readonly #options: Option[] = [];
  readonly #arguments: Argument[] = [];
  readonly #examples: { name: string; description: string }[] = [];
  readonly #commands: Command[] = [];
  #literal: string[] = [];

  name(name: string): this {
    this.#selected.#name = name;
    return this;
  }

  version(version: string): this {
    this.#selected.#version = version;
    return this;
  }

  description(description: string): this {
    this.#selected.#description = description;
    return this;
  }

  usage(usage: string): this {
    this.#selected.#usage = usage;
    return this;
  }

  /** Options added after this are listed under `name` in the help. */
  group(name: string | null): this {
    this.#selected.#group = name ?? undefined;
    return this;
  }

  hidden(): this {
    this.#selected.#hidden = true;
    return this;
  }

  alias(alias: string): this {
    this.#selected.#aliases.push(alias);
    return this;
  }

  example(name: string, description: string): this {
    this.#selected.#examples.push({ name, description });
    return this;
  }

  /** @param definition e.g. `<type:string> [names...:string]` */
  arguments(definition: string): this {
    const parsed = definition.split(" ").filter(Boolean).map(parseArgument);
    this.#selected.#arguments.splice(0, Number.POSITIVE_INFINITY, ...parsed);
    return this;
  }

  /** @param flags e.g. `-o, --output <format:string>` */
  option(flags: string, description: string, settings: OptionSettings = {}): this {
    this.#selected.#addOption(flags, description, settings);
    return this;
  }

  /** An option that every sub-command has too. */
  globalOption(flags: string, description: string, settings: OptionSettings = {}): this {
    this.#selected.#addOption(flags, description, { ...settings, global: true });
    return this;
  }

  /** Adds a sub-command, and selects it for the calls that follow. */
  command(name: string, command: Command | string = new Command()): this {
    const child = typeof command === "string" ? new Command().description(command) : command;
    child.#name = name.split(" ")[0] ?? name;
    child.#parent = this;
    this.#commands.push(child);
    this.#selected = child;
    return this;
  }

  /** Selects this command again after `command()`. */
  reset(): this {
    this.#selected = this;
    return this;
  }

  action(action: Action): this {
    this.#selected.#action = action;
    return this;
  }

  /** Errors are thrown instead of printed with an exit. */
  throwErrors(): this {
    this.#selected.#throws = true;
    return this;
  }

  /** Neither help nor errors end the process. */
  noExit(): this {
    return this.throwErrors();
  }

  /** How help is shown. Here it never has colours. */
  help(_options: { readonly colors?: boolean }): this {
    return this;
  }

  /** The action gets every word as it is. */
  useRawArgs(raw = true): this {
    this.#selected.#raw = raw;
    return this;
  }

  getName(): string {
    return this.#name;
  }

  getAliases(): string[] {
    return [...this.#aliases];
  }

  getPath(): string {
    return this.#parent ? `${this.#parent.getPath()} ${this.#name}` : this.#name;
  }

  getDescription(): string {
    return this.#description;
  }

  getShortDescription(): string {
    return this.#description.split("\n")[0] ?? "";
  }

  getVersion(): string | undefined {
    return this.#version ?? this.#parent?.getVersion();
  }

  getArguments(): Argument[] {
    return [...this.#arguments];
  }

  getCommands(hidden = false): Command[] {
    return this.#commands.filter((command) => hidden || !command.#hidden);
  }

  getCommand(name: string, hidden = false): Command | undefined {
    return this.getCommands(hidden).find((command) => command.#name === name || command.#aliases.includes(name));
  }

  /** Own options and the global ones of the commands above. */
  getOptions(hidden = false): Option[] {
    return [...this.#options, ...this.#inherited()].filter((option) => hidden || !option.hidden);
  }

  getOption(name: string, hidden = false): Option | undefined {
    return this.getOptions(hidden).find((option) => option.name === name);
  }

  /** The words after `--` of the last parse. */
  getLiteralArgs(): string[] {
    return [...this.#literal];
  }

  /** Parses `args`, runs the action of the command they name, and resolves to what was parsed. */
  async parse(args: string[]): Promise<CommandResult> {
    try {
      return await this.#run(args);
    } catch (error) {
      if (this.#throws || !(error instanceof ValidationError)) throw error;
      error.cmd?.showHelp();
      console.error(`  error: ${error.message}\n`);
      globalThis.process?.exit(error.exitCode);
      throw error;
    }
  }

  showHelp(): void {
    console.log(this.getHelp());
  }

  getHelp(): string {
    const sections: string[] = [`Usage:   ${this.getPath()}${this.#usageText()}`];
    const version = this.getVersion();
    if (version) sections[0] += `\nVersion: ${version}`;
    if (this.#description) sections.push(`Description:\n\n${indent(this.#description)}`);
    const options = [...groups(this.getOptions().concat(helpOption), ({ groupName }) => groupName)];
    for (const [group, members] of options) {
      sections.push(`${group ?? "Options"}:\n\n${columns(members.map(optionRow))}`);
    }
    const commands = this.getCommands();
    if (commands.length > 0) {
      const rows = commands.map(
        (command) => [[command.#name, ...command.#aliases].join(", "), command.getShortDescription()] as const,
      );
      sections.push(`Commands:\n\n${columns(rows)}`);
    }
    if (this.#examples.length > 0) {
      sections.push(
        `Examples:\n\n${this.#examples.map(({ name, description }) => indent(`${name}\n${indent(description)}`)).join("\n")}`,
      );
    }
    return `\n${sections.join("\n\n")}\n`;
  }

  #usageText(): string {
    if (this.#usage !== undefined) return ` ${this.#usage}`;
    const words = this.#arguments.map(({ name, optional, variadic }) => {
      const inner = `${name}${variadic ? "..." : ""}`;
      return optional ? ` [${inner}]` : ` <${inner}>`;
    });
    return this.#commands.length > 0 && words.length === 0 ? " [command]" : words.join("");
  }

  #inherited(): Option[] {
    return this.#parent ? [...this.#parent.#options.filter(({ global }) => global), ...this.#parent.#inherited()] : [];
  }

  #addOption(flags: string, description: string, settings: OptionSettings & { global?: boolean }): void {
    const [, names = "", typeDefinition] = /^(.*?)(?:\s+([<[].*[>\]]))?$/.exec(flags) ?? [];
    const list = names.split(/[\s,]+/).filter(Boolean);
    const long = list.find((flag) => flag.startsWith("--")) ?? list[0] ?? "";
    this.#options.push({
      ...settings,
      name: long.replace(/^-+/, ""),
      flags: list,
      description,
      ...(typeDefinition ? { typeDefinition } : {}),
      ...(this.#group ? { groupName: this.#group } : {}),
    });
  }

  async #run(args: string[]): Promise<CommandResult> {
    const [first] = args;
    const child = first === undefined ? undefined : this.getCommand(first, true);
    if (child) {
      child.#throws ||= this.#throws;
      return await child.#run(args.slice(1));
    }
    try {
      if (this.#raw) {
        await this.#action?.call(this, {}, ...args);
        return { options: {}, args, literal: [], cmd: this };
      }
      const { options, words, literal } = this.#readFlags(args);
      if (options["help"]) {
        this.showHelp();
        return { options, args: [], literal, cmd: this };
      }
      if (options["version"] && !this.#parent) {
        console.log(this.getVersion() ?? "");
        return { options, args: [], literal, cmd: this };
      }
      this.#literal = literal;
      const values = this.#readWords(words);
      for (const option of this.getOptions(true)) {
        if (option.required && !Object.hasOwn(options, camelCase(option.name))) {
          throw new ValidationError(`Missing required option "--${option.name}".`);
        }
      }
      if (this.#action) await this.#action.call(this, options, ...values);
      else if (this.#commands.length > 0) this.showHelp();
      return { options, args: values, literal, cmd: this };
    } catch (error) {
      if (error instanceof ValidationError) error.cmd ??= this;
      throw error;
    }
  }

  #readFlags(args: readonly string[]): { options: Record<string, unknown>; words: string[]; literal: string[] } {
    const declared = [helpOption, ...(this.#parent ? [] : [versionOption]), ...this.getOptions(true)];
    const options: Record<string, unknown> = {};
    for (const option of declared) if (option.default !== undefined) options[camelCase(option.name)] = option.default;
    const given = new Set<string>();
    const words: string[] = [];
    const queue = [...args];
    for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
      if (word === "--") return { options, words, literal: queue };
      if (!word.startsWith("-") || word === "-" || /^-\d/.test(word)) {
        words.push(word);
        continue;
      }
      if (/^-[^-]{2,}/.test(word) && !word.includes("=")) {
        // -abc: switches in a row, the last of which may take the next word.
        queue.unshift(...[...word.slice(1)].map((letter) => `-${letter}`));
        continue;
      }
      const equals = word.indexOf("=");
      const flag = equals < 0 ? word : word.slice(0, equals);
      const option = declared.find(({ flags }) => flags.includes(flag));
      if (!option)
        throw new ValidationError(
          `Unknown option "${flag}".${didYouMean(
            "option",
            flag,
            declared.flatMap(({ flags }) => flags),
          )}`,
        );
      let text: string | undefined = equals < 0 ? undefined : word.slice(equals + 1);
      if (text === undefined && option.typeDefinition) {
        const next = queue[0];
        const takes = next !== undefined && (!next.startsWith("-") || next === "-" || /^-\d/.test(next));
        if (takes) text = queue.shift();
        else if (option.typeDefinition.startsWith("<"))
          throw new ValidationError(`Missing value for option "${flag}".`);
      }
      const key = camelCase(option.name);
      if (text === "" && option.typeDefinition) continue;
      const value = text === undefined ? true : convert(text, typeOf(option.typeDefinition), `Option "${flag}"`);
      if (option.collect) {
        const list = given.has(key) && Array.isArray(options[key]) ? (options[key] as unknown[]) : [];
        options[key] = [...list, value];
      } else if (given.has(key)) {
        throw new ValidationError(`Option "--${option.name}" can only occur once, but was found several times.`);
      } else {
        options[key] = value;
      }
      given.add(key);
    }
    return { options, words, literal: [] };
  }

  #readWords(words: readonly string[]): unknown[] {
    if (this.#arguments.length === 0 && words.length > 0) {
      if (this.#commands.length > 0) {
        const names = this.getCommands().flatMap((command) => [command.#name, ...command.#aliases]);
        throw new ValidationError(`Unknown command "${words[0]}".${didYouMean("command", words[0] ?? "", names)}`);
      }
      throw new ValidationError(`No arguments allowed for command "${this.#name}".`);
    }
    const left = [...words];
    const values: unknown[] = [];
    for (const { name, type, optional, variadic } of this.#arguments) {
      if (left.length === 0) {
        if (!optional) throw new ValidationError(`Missing argument(s): ${name}`);
        break;
      }
      for (const word of left.splice(0, variadic ? left.length : 1))
        values.push(convert(word, type, `Argument "${name}"`));
    }
    if (left.length > 0) throw new ValidationError(`Too many arguments: ${left.join(" ")}`);
    return values;
  }
}

const helpOption: Option = { name: "help", flags: ["-h", "--help"], description: "Show this help." };
const versionOption: Option = {
  name: "version",
  flags: ["-V", "--version"],
  description: "Show the version number for this program.",
};

function parseArgument(definition: string): Argument {
  const [, bracket, name = "", dots, type = "string"] =
    /^([<[])([^.:>\]]+)(\.\.\.)?(?::([^>\]]+))?[>\]]$/.exec(definition) ?? [];
  return { name, type, optional: bracket === "[", variadic: dots !== undefined };
}

function typeOf(definition: string | undefined): string {
  return definition ? parseArgument(definition).type : "boolean";
}

function convert(text: string, type: string, subject: string): unknown {
  const wrong = (what: string) =>
    new ValidationError(`${subject} must be of type "${type}", but got "${text}".${what}`);
  if (type === "boolean") {
    if (text === "true" || text === "1") return true;
    if (text === "false" || text === "0") return false;
    throw wrong(' Expected values: "true", "false", "1", "0"');
  }
  if (type === "number" || type === "integer") {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || (type === "integer" && !Number.isInteger(value)))
      throw wrong("");
    return value;
  }
  return text;
}

function camelCase(name: string): string {
  return name.replace(/-+([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

function didYouMean(what: string, word: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .sort((a, b) => a.distance - b.distance);
  return nearest && nearest.distance <= Math.max(2, word.length / 3) ? ` Did you mean ${what} "${nearest.name}"?` : "";
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function groups<T>(items: readonly T[], by: (item: T) => string | undefined): Map<string | undefined, T[]> {
  const result = new Map<string | undefined, T[]>();
  for (const item of items) result.set(by(item), [...(result.get(by(item)) ?? []), item]);
  return result;
}

function optionRow({ flags, typeDefinition, description, default: preset }: Option): readonly [string, string] {
  const names = flags.length === 1 && flags[0]?.startsWith("--") ? `    ${flags[0]}` : flags.join(", ");
  const type = typeDefinition ? `  ${typeDefinition.replace(/:[^>\]]+/, "")}` : "";
  const shown = preset === undefined ? "" : `  (Default: ${JSON.stringify(preset)})`;
  return [`${names}${type}`, `${description}${shown}`];
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  - ${right}`).join("\n");
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => (line ? `  ${line}` : line))
    .join("\n");
}
