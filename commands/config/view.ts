import { asJson, asObject } from "../../core/api/json_object.ts";
import { jsonText } from "../../core/api/json_text.ts";
import type {
  ExecPlugin,
  Kubeconfig,
  KubeconfigCluster,
  KubeconfigSections,
  KubeconfigUser,
} from "../../core/client/kubeconfig.ts";
import { readBytes } from "../../core/platform/files.ts";
import { toBase64 } from "../../core/util/base64.ts";
import { compact } from "../../core/util/compact.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { openKubeconfig, sortedNames, withWholePaths } from "./_kubeconfig.ts";

/** Prints the kubeconfig, all its files as one. */
export const view: Verb = defineVerb({
  name: "view",
  group: "Settings",
  summary: "Show the kubeconfig.",
  description: "Secrets and embedded data are left out unless --raw or --flatten is given.",
  words: "[words...]",
  flags: {
    flatten: { type: "boolean", description: "Put the content of files in place of their paths." },
    merge: { type: "boolean", default: true, description: "All files as one; false: only the first." },
    minify: { type: "boolean", description: "Only what the current context uses." },
    raw: { type: "boolean", description: "Show secrets and embedded data." },
    ...printFlags,
    context: { type: "string", placeholder: "name", description: "Context to take for the current one." },
  },
  examples: [["The server of the current context", "wherry config view --minify -o yaml"]],
  async run({ flags, words, env }) {
    if (words.length > 0)
      throw new UsageError(
        `unexpected arguments: [${words.join(" ")}]\nSee 'wherry config view -h' for help and examples`,
      );
    const { config: all, files } = await openKubeconfig(env);
    const [first] = all.paths;
    const config =
      flags.merge || first === undefined ? all : await files.loadKubeconfig({ path: first, mayBeMissing: true });
    const current = flags.context ?? config.currentContext ?? "";
    const shown = flags.minify ? minified(config, current) : config;
    const hide = !flags.raw && !flags.flatten;
    const section = async <S extends keyof KubeconfigSections>(
      name: S,
      member: string,
      print: (value: KubeconfigSections[S]) => object,
    ) => {
      const entries = await Promise.all(
        sortedNames(shown[name]).map(async (entry) => {
          const found = shown[name].get(entry);
          const value: KubeconfigSections[S] = found?.value ?? {};
          const whole = flags.flatten ? await flattened(withWholePaths(name, value, found?.path ?? "")) : value;
          return { name: entry, [member]: print(whole) };
        }),
      );
      return entries.length > 0 ? entries : null;
    };
    const document = {
      kind: "Config",
      apiVersion: "v1",
      clusters: await section("clusters", "cluster", (cluster) => printedCluster(cluster, hide)),
      users: await section("users", "user", (user) => printedUser(user, hide)),
      contexts: await section("contexts", "context", (context) => ({ cluster: "", user: "", ...context })),
      "current-context": current,
    };
    // The order of its members is kubectl's own, not that of objects of the API, which it is printed as otherwise.
    if (flags.output === "json") await env.terminal.write(`${jsonText(document, 4)}\n`);
    else if (flags.output === "kyaml") {
      const { formatKyaml } = await import("../../core/api/kyaml_writer.ts");
      await env.terminal.write(formatKyaml(asJson(document), { asGiven: true }));
    } else if (flags.output === "name") {
      // It has none.
      await env.terminal.write("config/<unknown>\n");
    } else {
      const print = await objectPrinter({ ...flags, output: flags.output ?? "yaml" }, { terminal: env.terminal });
      await print(asObject(asJson(document)));
    }
    return 0;
  },
});

/** Only the context, its cluster and its user. @throws UsageError when something of it is not there */
function minified(config: Kubeconfig, current: string): Pick<Kubeconfig, keyof KubeconfigSections> {
  if (current === "") throw new UsageError("current-context must exist in order to minify");
  const context = config.contexts.get(current);
  if (!context) throw new UsageError(`cannot locate context ${current}`);
  const { cluster = "", user = "" } = context.value;
  return {
    contexts: new Map([[current, context]]),
    clusters: only(config.clusters, cluster),
    users: only(config.users, user),
  };
}

function only<T>(entries: ReadonlyMap<string, T>, name: string): ReadonlyMap<string, T> {
  const found = entries.get(name);
  return new Map(found ? [[name, found]] : []);
}

/** The content of each file that the entry names, under the name that such content has. */
async function flattened<T extends object>(value: T): Promise<T> {
  const members: Record<string, unknown> = Object.fromEntries(Object.entries(value));
  for (const name of ["certificate-authority", "client-certificate", "client-key"]) {
    const path = members[name];
    if (typeof path !== "string" || path === "") continue;
    const bytes = await readBytes(path);
    delete members[name];
    members[`${name}-data`] ??= toBase64(bytes);
  }
  return members as T;
}

const omitted = "DATA+OMITTED";
const redacted = "REDACTED";

/** Members in kubectl's order. */
function printedCluster(cluster: KubeconfigCluster, hide: boolean): object {
  const { server = "", "certificate-authority-data": data, ...rest } = cluster;
  return compact({ server, "certificate-authority-data": data && hide ? omitted : data, ...rest });
}

function printedUser(user: KubeconfigUser, hide: boolean): object {
  const hidden = (value: string | undefined, as: string) => (value && hide ? as : value);
  const { exec, ...rest } = user;
  return compact({
    ...rest,
    "client-certificate-data": hidden(user["client-certificate-data"], omitted),
    "client-key-data": hidden(user["client-key-data"], omitted),
    token: hidden(user.token, redacted),
    password: hidden(user.password, redacted),
    "auth-provider": user["auth-provider"],
    exec: exec && printedPlugin(exec),
  });
}

function printedPlugin({ command = "", args, env, apiVersion, ...rest }: ExecPlugin): object {
  const { installHint, provideClusterInfo = false, interactiveMode } = rest;
  return compact({
    command,
    args: args ?? null,
    env: env ?? null,
    apiVersion,
    installHint,
    provideClusterInfo,
    interactiveMode,
  });
}
