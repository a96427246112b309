import { throwAll } from "../all_errors.ts";
import {
  type Preference,
  type PreferredAlias,
  type PreferredDefaults,
  type PreferredOption,
  readPreference,
} from "../preferences/kuberc.ts";
import { defineVerb, type FlagValues, requireFlags, UsageError, type Verb } from "../verb.ts";
import { changeKuberc, kubercFile } from "./_file.ts";

const flags = {
  section: { type: "string", placeholder: "name", description: "defaults, aliases or credentialplugin." },
  command: { type: "string", placeholder: "command", description: "Command that is meant, e.g. get or 'set env'." },
  name: { type: "string", placeholder: "name", description: "Name of the alias." },
  option: { type: "list", placeholder: "pair", description: "FLAG=VALUE; may be repeated." },
  prependarg: {
    type: "list",
    placeholder: "word",
    description: "Word that an alias puts before those of the line; may be repeated.",
  },
  appendarg: {
    type: "list",
    placeholder: "word",
    description: "Word that an alias puts behind those of the line; may be repeated.",
  },
  policy: { type: "string", placeholder: "name", description: "Which exec plug-ins: AllowAll, DenyAll or Allowlist." },
  "allowlist-entry": {
    type: "list",
    placeholder: "pairs",
    description: "Exec plug-in that Allowlist permits; may be repeated.",
  },
  overwrite: { type: "boolean", description: "Replace what is there." },
} as const;

type SetFlags = FlagValues<typeof flags>;

/** Writes one preference. */
export const set: Verb = defineVerb({
  name: "set",
  group: "Settings",
  summary: "Set the values of a command's flags, an alias, or which exec plug-ins may be run.",
  words: "[words...]",
  flags,
  examples: [
    ["Wide tables", "wherry kuberc set --section defaults --command get --option output=wide"],
    ["A word for nodes", "wherry kuberc set --section aliases --name getn --command get --prependarg nodes"],
  ],
  async run({ flags, given, env }) {
    requireFlags(given, "section");
    const { path } = kubercFile(env.kuberc);
    checkFlags(flags);
    const change = changeOf(flags);
    await changeKuberc(
      path,
      (text) => {
        const read = text === undefined ? undefined : readPreference(text, path);
        if (read && read.documents > 1)
          throw new UsageError(`${path} has several documents, of which only one would be left: change it by hand`);
        return change(read?.preference ?? {});
      },
      env,
    );
    return 0;
  },
});

/** @throws UsageError with kubectl's words */
function checkFlags(flags: SetFlags): void {
  const { section = "", command, name, policy, prependarg, appendarg } = flags;
  const entries = flags["allowlist-entry"];
  if (!["defaults", "aliases", "credentialplugin"].includes(section))
    throw new UsageError(`--section must be "defaults", "aliases", or "credentialplugin", got: ${section}`);
  if (section === "aliases" && !name) throw new UsageError("--name is required when --section=aliases");
  if (section === "defaults" && name) throw new UsageError("--name should not be specified when --section=defaults");
  if (section === "defaults" && prependarg.length + appendarg.length > 0)
    throw new UsageError("--prependarg and --appendarg are only valid for --section=aliases");
  if (section !== "credentialplugin") {
    if (!command) throw new UsageError("--command is required when --section=aliases or --section=defaults");
    return;
  }
  if (!policy) throw new UsageError("--policy is required when --section=credentialplugin");
  if (!["AllowAll", "DenyAll", "Allowlist"].includes(policy))
    throw new UsageError(` --policy must be  "AllowAll", "DenyAll", or "Allowlist", got: ${policy}`);
  const wanted = "when --section=credentialplugin and --policy=Allowlist";
  if (policy === "Allowlist" && entries.length === 0) throw new UsageError(`--allowlist-entry is required ${wanted}`);
  if (policy !== "Allowlist" && entries.length > 0)
    throw new UsageError(`--allowlist-entry may only be used ${wanted}`);
}

/** What the flags change. @throws UsageError for a value that cannot be read */
function changeOf(flags: SetFlags): (before: Preference) => Preference {
  const { section, command = "", name = "", overwrite, policy } = flags;
  const given = flags.option.map(optionOf);
  const options = given.length > 0 ? given : undefined;
  switch (section) {
    case "defaults": {
      const problem = `defaults for command ${JSON.stringify(command)} already exist, use --overwrite to replace`;
      return ({ defaults = [], ...rest }) => ({
        ...rest,
        defaults: withEntry<PreferredDefaults>(
          defaults,
          (one) => one.command === command,
          (before) => ({ command, options: options ?? before?.options }),
          overwrite ? undefined : problem,
        ),
      });
    }
    case "aliases": {
      const problem = `alias ${JSON.stringify(name)} already exists, use --overwrite to replace`;
      return ({ aliases = [], ...rest }) => ({
        ...rest,
        aliases: withEntry<PreferredAlias>(
          aliases,
          (one) => one.name === name,
          (before) => ({
            name,
            command,
            prependArgs: flags.prependarg.length > 0 ? flags.prependarg : before?.prependArgs,
            appendArgs: flags.appendarg.length > 0 ? flags.appendarg : before?.appendArgs,
            options: options ?? before?.options,
          }),
          overwrite ? undefined : problem,
        ),
      });
    }
    default: {
      // With another policy a list would be an error.
      const credentialPluginAllowlist = policy === "Allowlist" ? entriesOf(flags["allowlist-entry"]) : undefined;
      return (before) => ({ ...before, credentialPluginPolicy: policy, credentialPluginAllowlist });
    }
  }
}

/** The entries with a new one in the place of that which is meant, or at the end. @throws UsageError where none may be replaced */
function withEntry<T>(
  entries: readonly T[],
  isMeant: (entry: T) => boolean,
  make: (before: T | undefined) => T,
  problem: string | undefined,
): readonly T[] {
  const at = entries.findIndex(isMeant);
  if (at < 0) return [...entries, make(undefined)];
  if (problem !== undefined) throw new UsageError(problem);
  return entries.with(at, make(entries[at]));
}

function optionOf(text: string): PreferredOption {
  const equals = text.indexOf("=");
  if (equals < 0) throw new UsageError(`invalid option format ${JSON.stringify(text)}, expected flag=value`);
  return { name: text.slice(0, equals).replace(/^-+/, ""), default: text.slice(equals + 1) };
}

function entriesOf(texts: readonly string[]): readonly { readonly command: string }[] {
  const problems: string[] = [];
  const entries = texts
    .flatMap((text) => text.split(","))
    .map((pair) => {
      const [field = "", ...rest] = pair.split("=");
      const command = rest.join("=");
      if (rest.length === 0) problems.push(`improperly formatted allowlist entry: ${JSON.stringify(pair)}`);
      else if (field === "name") problems.push('allowlist entry field "name" is deprecated, use "command" instead');
      else if (field !== "command") problems.push(`unrecognized allowlist entry field: ${JSON.stringify(field)}`);
      else if (command.trim() === "") problems.push('empty value in allowlist entry for field "command"');
      return { command };
    });
  throwAll(problems.map((problem) => new UsageError(problem)));
  return entries;
}
