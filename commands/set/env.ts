import type { KubeObject } from "../../core/api/meta.ts";
import { readBody } from "../../core/client/transport.ts";
import type { Container, EnvVar } from "../../core/kinds/pod.ts";
import { listFlag, split, textFlag } from "../create/generator.ts";
import type { CommandEnv } from "../env.ts";
import { findTargets } from "../targets.ts";
import { variableNameError } from "../variable_names.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { referenceText, referenceValue } from "./env_references.ts";
import { changeContainers, changeObjects, setFlags, withPodSpec } from "./pod_specs.ts";

/** Sets variables in the environment of containers. */
export const setEnv: Verb = defineVerb({
  name: "env",
  group: "Change",
  summary: "Set variables in the environment of containers.",
  words: "[type] [names-and-variables...]",
  flags: {
    ...setFlags,
    containers: {
      type: "string",
      short: "c",
      default: "*",
      placeholder: "names",
      description: "Containers; * is any.",
    },
    env: { type: "list", short: "e", placeholder: "pair", description: "KEY=VALUE; may be repeated." },
    from: textFlag("Config map or secret whose keys become variables.", "object"),
    prefix: textFlag("What to put before the names.", "text"),
    keys: listFlag("With --from: only these keys.", "keys"),
    list: { type: "boolean", description: "Show the variables." },
    resolve: { type: "boolean", description: "With --list: show what references stand for." },
    overwrite: { type: "boolean", default: true, description: "Replace variables that are there." },
  },
  examples: [
    ["Set one, remove one", "wherry set env deploy/web COLOUR=blue OLD-"],
    ["All of a config map", "wherry set env deploy/web --from=configmap/settings"],
  ],
  async run({ flags, words, env }) {
    if (flags.all && flags.selector) throw new UsageError("cannot set --all and --selector at the same time");
    const { names, pairs } = splitVariables(words);
    if (flags.local && flags["dry-run"] === "server")
      throw new UsageError("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
    if (flags.filename.length === 0 && names.length === 0)
      throw new UsageError("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    if (flags.list && flags.output) throw new UsageError("--list and --output may not be specified together");
    if (flags.keys.length > 0 && !flags.from)
      throw new UsageError("when specifying --keys, a configmap or secret must be provided with --from");
    const { set, remove } = await parseVariables([...flags.env, ...pairs], env);
    const variables = [...set, ...(flags.from ? await variablesFrom(flags.from, split(flags.keys), env) : [])].map(
      (variable) => ({ ...variable, name: `${flags.prefix ?? ""}${variable.name}` }),
    );
    const change = async (object: KubeObject): Promise<KubeObject> => {
      const touched: Container[] = [];
      const changed = withPodSpec(object, (spec) => {
        const next = changeContainers(spec, flags.containers, (container) => {
          if (!flags.overwrite) checkOverwrites(container, variables);
          const { env: present = [], ...rest } = container;
          const merged = mergeVariables(present, variables, remove);
          // None at all is no list of none: that would be a change of the template.
          const own = merged.length > 0 ? { ...container, env: merged } : rest;
          touched.push(own);
          return own;
        });
        if (!next)
          env.terminal.warn(
            `Warning: ${object.kind}/${object.metadata.name} does not have any containers matching "${flags.containers}"`,
          );
        return next ?? spec;
      });
      if (!flags.list) return changed;
      for (const container of touched) await list(object, container, flags.resolve, env);
      return object;
    };
    await changeObjects(
      flags,
      { words: names, operation: "env updated", failure: "failed to patch env update to pod template: ", change },
      env,
    );
    return 0;
  },
});

function splitVariables(words: readonly string[]): {
  readonly names: readonly string[];
  readonly pairs: readonly string[];
} {
  const isVariable = (word: string) => /^[^=]+=/.test(word) || word.endsWith("-");
  const first = words.findIndex(isVariable);
  if (first < 0) return { names: words, pairs: [] };
  const pairs = words.slice(first);
  if (!pairs.every(isVariable))
    throw new UsageError(`all resources must be specified before environment changes: ${words.join(" ")}`);
  return { names: words.slice(0, first), pairs };
}

async function parseVariables(
  pairs: readonly string[],
  env: CommandEnv,
): Promise<{ readonly set: readonly EnvVar[]; readonly remove: readonly string[] }> {
  const set: EnvVar[] = [];
  const remove: string[] = [];
  for (const pair of pairs) {
    if (pair === "-") {
      const text = new TextDecoder().decode(await readBody(env.terminal.input));
      for (const line of text
        .split("\n")
        .map((one) => one.replace(/#.*$/, "").trim())
        .filter(Boolean))
        if (line.includes("=")) set.push(variableOf(line));
    } else if (pair.includes("=")) set.push(variableOf(pair));
    else remove.push(pair.slice(0, -1));
  }
  if (remove.some((name) => set.some((variable) => variable.name === name)))
    throw new UsageError("can not both modify and remove the same environment variable in the same command");
  return { set, remove };
}

function variableOf(pair: string): EnvVar {
  const equals = pair.indexOf("=");
  const name = pair.slice(0, equals);
  const why = variableNameError(name);
  if (why !== undefined) throw new UsageError(`"${name}" is not a valid key name: ${why}`);
  return { name, value: pair.slice(equals + 1) };
}

/** A variable for each key of a config map or secret. */
async function variablesFrom(from: string, keys: readonly string[], env: CommandEnv): Promise<readonly EnvVar[]> {
  const found: EnvVar[] = [];
  const targets = await findTargets({ words: [from] }, env);
  await targets.visitLoaded(async ({ object }) => {
    const { kind, metadata, data = {} } = object as KubeObject & { readonly data?: Readonly<Record<string, string>> };
    if (kind !== "Secret" && kind !== "ConfigMap") throw new UsageError("unsupported resource specified in --from");
    const { name = "" } = metadata;
    for (const key of Object.keys(data).filter((one) => keys.length === 0 || keys.includes(one))) {
      const own = key.replace(/[^a-zA-Z0-9_]/g, "_").toUpperCase();
      if (own !== key) env.terminal.warn(`Warning: key ${key} transferred to ${own}`);
      const reference = { name, key };
      found.push({
        name: own,
        valueFrom: kind === "Secret" ? { secretKeyRef: reference } : { configMapKeyRef: reference },
      });
    }
  });
  return found;
}

function checkOverwrites({ env = [] }: Container, variables: readonly EnvVar[]): void {
  for (const { name, value } of variables) {
    const current = env.find((one) => one.name === name);
    if (current && current.value !== value)
      throw new UsageError(`'${name}' already has a value (${current.value ?? ""}), and --overwrite is false`);
  }
}

/** The variables with new ones in the place of old ones, or behind them. */
function mergeVariables(
  present: readonly EnvVar[],
  variables: readonly EnvVar[],
  remove: readonly string[],
): readonly EnvVar[] {
  const covered = new Set(remove);
  const result: EnvVar[] = [];
  for (const old of present) {
    if (covered.has(old.name)) continue;
    const next = variables.find(({ name }) => name === old.name);
    if (next) covered.add(next.name);
    result.push(next ?? old);
  }
  for (const next of variables) {
    if (covered.has(next.name)) continue;
    covered.add(next.name);
    result.push(next);
  }
  return result;
}

async function list(object: KubeObject, container: Container, resolve: boolean, env: CommandEnv): Promise<void> {
  await env.terminal.write(`# ${object.kind} ${object.metadata.name}, container ${container.name}\n`);
  const failures = new Map<string, string[]>();
  for (const { name, value = "", valueFrom } of container.env ?? []) {
    if (!valueFrom) {
      await env.terminal.write(`${name}=${value}\n`);
      continue;
    }
    let line = `# ${name} from ${referenceText(valueFrom)}\n`;
    if (resolve) {
      try {
        line = `${name}=${await referenceValue(valueFrom, object, container, env)}\n`;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        failures.set(error.message, [...(failures.get(error.message) ?? []), name]);
      }
    }
    await env.terminal.write(line);
  }
  for (const [why, names] of [...failures].sort())
    env.terminal.warn(`error retrieving reference for ${names.sort().join(", ")}: ${why}`);
}
