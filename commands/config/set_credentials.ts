import type { ExecPlugin, KubeconfigUser } from "../../core/client/kubeconfig.ts";
import type { FlagTable, FlagValues } from "../../core/flags/flag.ts";
import { compact } from "../../core/util/compact.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { fileMembers, onlyWord, openKubeconfig, withRelativePaths } from "./_kubeconfig.ts";

const flags = {
  "client-certificate": { type: "string", placeholder: "path", description: "File with the client's certificate." },
  "client-key": { type: "string", placeholder: "path", description: "File with the client's private key." },
  "embed-certs": { type: "boolean", description: "Put the files' content into the kubeconfig." },
  token: { type: "string", placeholder: "token", description: "Bearer token." },
  username: { type: "string", placeholder: "name", description: "Name for basic authentication." },
  password: { type: "string", placeholder: "password", description: "Password for basic authentication." },
  "auth-provider": { type: "string", placeholder: "name", description: "Authentication provider." },
  "auth-provider-arg": { type: "list", placeholder: "pair", description: "key=value for the provider; key- removes." },
  "exec-command": { type: "string", placeholder: "command", description: "Program that gives the credentials." },
  "exec-api-version": { type: "string", placeholder: "version", description: "API version of that program." },
  "exec-arg": { type: "list", placeholder: "arg", description: "Argument of that program; replaces the present ones." },
  "exec-env": { type: "list", placeholder: "pair", description: "key=value for its environment; key- removes." },
  "exec-interactive-mode": { type: "string", placeholder: "mode", description: "Never, IfAvailable or Always." },
  "exec-provide-cluster-info": {
    type: "string",
    implied: "true",
    placeholder: "bool",
    description: "Tell it about the cluster.",
  },
} as const satisfies FlagTable;

type Values = FlagValues<typeof flags>;

/** Sets members of a user. */
export const setCredentials: Verb = defineVerb({
  name: "set-credentials",
  group: "Settings",
  summary: "Set a user of the kubeconfig.",
  description: "What is not said stays as it is. A bearer token and basic authentication exclude each other.",
  words: "[name...]",
  flags,
  examples: [
    [
      "A certificate, put into the file",
      "wherry config set-credentials admin --client-certificate=a.crt --embed-certs",
    ],
    [
      "A program",
      "wherry config set-credentials admin --exec-command=/bin/login --exec-api-version=client.authentication.k8s.io/v1",
    ],
  ],
  async run({ flags, words, env }) {
    const name = onlyWord(words, "Unexpected args");
    check(name, flags);
    const { config, files } = await openKubeconfig(env);
    const present = config.users.get(name);
    const file = present?.path ?? (await files.fileForNew(config));
    const next = await nextUser(present?.value ?? {}, flags);
    await files.changeEntry(config, "users", name, withRelativePaths("users", next, file));
    await env.terminal.write(`User "${name}" set.\n`);
    return 0;
  },
});

function check(name: string, flags: Values): void {
  if (name === "") throw new UsageError("you must specify a non-empty user name");
  if (flags.token && (flags.username || flags.password))
    throw new UsageError(
      "you cannot specify more than one authentication method at the same time: --token, --username/--password",
    );
  if (flags["embed-certs"] && !flags["client-certificate"] && !flags["client-key"])
    throw new UsageError("you must specify a --client-certificate or --client-key to embed");
}

async function nextUser(user: KubeconfigUser, flags: Values): Promise<KubeconfigUser> {
  const { token, username, password } = flags;
  const certificate = flags["client-certificate"];
  const key = flags["client-key"];
  const embed = flags["embed-certs"];
  const basic = Boolean(username || password);
  return compact<KubeconfigUser>({
    ...user,
    ...(certificate === undefined ? {} : await fileMembers("client-certificate", certificate, embed)),
    ...(key === undefined ? {} : await fileMembers("client-key", key, embed)),
    ...(username === undefined ? {} : { username: username || undefined }),
    ...(password === undefined ? {} : { password: password || undefined }),
    ...(token === undefined ? {} : { token: token || undefined }),
    // One way to say who one is takes the place of the other.
    ...(token ? { username: undefined, password: undefined } : {}),
    ...(basic ? { token: undefined } : {}),
    "auth-provider": provider(user["auth-provider"], flags),
    exec: plugin(user.exec, flags),
  });
}

type Provider = NonNullable<KubeconfigUser["auth-provider"]>;

function provider(present: Provider | undefined, flags: Values): Provider | undefined {
  const name = flags["auth-provider"];
  const base = name !== undefined && present?.name !== name ? { name } : present;
  if (!base) return undefined;
  const { set, remove } = pairs(
    flags["auth-provider-arg"].flatMap((text) => text.split(",")),
    "auth-provider-arg",
  );
  const config = new Map(Object.entries(base.config ?? {}));
  for (const key of remove) config.delete(key);
  for (const [key, value] of set) config.set(key, value);
  return { ...base, config: config.size > 0 ? Object.fromEntries(config) : null };
}

function plugin(present: ExecPlugin | undefined, flags: Values): ExecPlugin | undefined {
  const command = flags["exec-command"];
  const base: ExecPlugin | undefined =
    command === undefined ? present : present ? { ...present, command, args: null } : { command };
  const { set, remove } = pairs(flags["exec-env"], "exec-env");
  if (!base) return undefined;
  const kept = (base.env ?? []).filter(({ name }) => !remove.has(name));
  const changed = kept.map(({ name, value }) => ({ name, value: set.get(name) ?? value }));
  const added = [...set].filter(([name]) => !kept.some((one) => one.name === name));
  const env = [...changed, ...added.map(([name, value]) => ({ name, value }))];
  const args = flags["exec-arg"].flatMap((text) => text.split(","));
  return compact<ExecPlugin>({
    ...base,
    args: args.length > 0 ? args : (base.args ?? null),
    env: env.length > 0 ? env : null,
    apiVersion: flags["exec-api-version"] ?? base.apiVersion,
    interactiveMode: flags["exec-interactive-mode"] ?? base.interactiveMode,
    provideClusterInfo:
      flags["exec-provide-cluster-info"] === undefined
        ? (base.provideClusterInfo ?? false)
        : flags["exec-provide-cluster-info"] === "true",
  });
}

/** `key=value` sets, `key-` removes. */
function pairs(
  texts: readonly string[],
  flag: string,
): { readonly set: ReadonlyMap<string, string>; readonly remove: ReadonlySet<string> } {
  const set = new Map<string, string>();
  const remove = new Set<string>();
  const wrong: string[] = [];
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals > 0) set.set(text.slice(0, equals), text.slice(equals + 1));
    else if (equals < 0 && text.endsWith("-") && text.length > 1) remove.add(text.slice(0, -1));
    else wrong.push(text);
  }
  if (wrong.length > 0) throw new UsageError(`invalid ${flag} format: ${wrong.join(", ")}`);
  return { set, remove };
}
