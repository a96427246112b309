import type { Client } from "../../core/client/client.ts";
import { type DiscoveredResource, UnknownResourceError } from "../../core/client/discovery.ts";
import { compact } from "../../core/util/compact.ts";
import type { CommandEnv } from "../env.ts";
import { alignColumns } from "../output/columns.ts";
import { resourceNamed } from "../resource_args.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { review } from "./_review.ts";

/** Says whether one may do something; exit code 1 when not. */
export const canI: Verb = defineVerb({
  name: "can-i",
  group: "Settings",
  summary: "Ask whether one may do something.",
  words: "[words...]",
  flags: {
    "all-namespaces": { type: "boolean", short: "A", description: "In all namespaces." },
    list: { type: "boolean", description: "List what one may do." },
    "no-headers": { type: "boolean", description: "List without headers." },
    quiet: { type: "boolean", short: "q", description: "Say it by the exit code only." },
    subresource: { type: "string", placeholder: "name", description: "Part of the resource, e.g. log or scale." },
  },
  examples: [
    ["Create pods here", "wherry auth can-i create pods"],
    ["Read logs as somebody else", "wherry auth can-i get pods --subresource=log --as=jane"],
    ["Everything one may do", "wherry auth can-i --list"],
  ],
  async run({ flags, words, env }) {
    if (flags.list) {
      if (words.length > 0) throw new UsageError("list option must be specified with no arguments");
      if (flags.quiet || flags["all-namespaces"] || flags.subresource)
        throw new UsageError(
          "list option can't be specified with neither quiet, all-namespaces nor subresource options",
        );
      await list(env, { headers: !flags["no-headers"] });
      return 0;
    }
    const [verb, what] = words;
    if (verb === undefined || what === undefined || words.length > 2)
      throw new UsageError(
        "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'wherry auth can-i -h' for help and examples.",
      );
    const client = await env.client();
    const spec = what.startsWith("/")
      ? pathSpec(verb, what, flags.subresource, env)
      : await resourceSpec(client, verb, what, {
          env,
          subresource: flags.subresource,
          namespace: flags["all-namespaces"] ? undefined : await env.namespace(),
        });
    if (flags["no-headers"]) throw new UsageError("--no-headers cannot be set without --list specified");
    const answer = await review(client, "authorization.k8s.io", "selfsubjectaccessreviews", spec, env.signal);
    const { allowed, reason, evaluationError } = (answer["status"] ?? {}) as AccessStatus;
    const because = [reason, evaluationError].filter(Boolean).map((text) => ` - ${text}`);
    if (!flags.quiet) await env.terminal.write(allowed ? "yes\n" : `no${because.join("")}\n`);
    return allowed ? 0 : 1;
  },
});

interface AccessStatus {
  readonly allowed?: boolean;
  readonly reason?: string;
  readonly evaluationError?: string;
}

const resourceVerbs = new Set(
  "get list watch create update patch delete deletecollection use bind impersonate escalate approve sign attest *".split(
    " ",
  ),
);
const pathVerbs = new Set("get put post head options delete patch *".split(" "));

/** What one may be allowed to act as; no server serves them. */
const impersonated = new Set(["users", "groups"]);

function pathSpec(verb: string, path: string, subresource: string | undefined, env: CommandEnv): object {
  if (subresource) throw new UsageError("--subresource can not be used with NonResourceURL");
  if (!pathVerbs.has(verb)) env.terminal.warn(`Warning: verb '${verb}' is not a known verb\n`);
  return { nonResourceAttributes: { verb, path } };
}

async function resourceSpec(
  client: Client,
  verb: string,
  what: string,
  options: {
    readonly env: CommandEnv;
    readonly subresource: string | undefined;
    /** Undefined: all. */
    readonly namespace: string | undefined;
  },
): Promise<object> {
  const { env, subresource, namespace } = options;
  const slash = what.indexOf("/");
  const type = slash < 0 ? what : what.slice(0, slash);
  const warn = (text: string) => env.terminal.warn(`Warning: ${text}\n`);
  const resource = type === "*" ? undefined : await named(client, type);
  if (!resource && type !== "*" && !impersonated.has(type)) {
    const [word, ...group] = type.split(".");
    warn(
      `the server doesn't have a resource type '${word}'${group.length > 0 ? ` in group '${group.join(".")}'` : ""}`,
    );
  }
  if (namespace !== undefined) {
    if (resource && !resource.namespaced)
      warn(
        `resource '${resource.plural}' is not namespace scoped${resource.group ? ` in group '${resource.group}'` : ""}`,
      );
    if (!resourceVerbs.has(verb)) warn(`verb '${verb}' is not a known verb`);
  }
  return {
    resourceAttributes: compact({
      namespace,
      verb,
      group: resource?.group || undefined,
      resource: resource?.plural ?? type,
      subresource,
      name: slash < 0 ? undefined : what.slice(slash + 1),
    }),
  };
}

async function named(client: Client, type: string): Promise<DiscoveredResource | undefined> {
  try {
    return await resourceNamed(client, type);
  } catch (error) {
    if (error instanceof UnknownResourceError) return undefined;
    throw error;
  }
}

interface Rule {
  readonly verbs?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

interface RulesStatus {
  readonly incomplete?: boolean;
  readonly evaluationError?: string;
  readonly resourceRules?: readonly Rule[] | null;
  readonly nonResourceRules?: readonly Rule[] | null;
}

async function list(env: CommandEnv, { headers }: { readonly headers: boolean }): Promise<void> {
  const spec = { namespace: await env.namespace() };
  const answer = await review(await env.client(), "authorization.k8s.io", "selfsubjectrulesreviews", spec, env.signal);
  const status = (answer["status"] ?? {}) as RulesStatus;
  if (status.incomplete) env.terminal.warn(`warning: the list may be incomplete: ${status.evaluationError ?? ""}`);
  const rows = compactRules([...(status.resourceRules ?? []), ...(status.nonResourceRules ?? [])]).map((rule) => [
    resourceText(rule),
    goList(rule.nonResourceURLs),
    goList(rule.resourceNames),
    goList(rule.verbs),
  ]);
  const titles = ["Resources", "Non-Resource URLs", "Resource Names", "Verbs"];
  await env.terminal.write(
    alignColumns(headers ? [titles, ...rows] : rows)
      .map((line) => `${line}\n`)
      .join(""),
  );
}

/**
 * One rule for each resource of each group, its verbs together, sorted as kubectl sorts them: by their text.
 *
 * @see k8s.io/kubectl/pkg/util/rbac CompactRules
 */
function compactRules(rules: readonly Rule[]): readonly Rule[] {
  const simple = new Map<string, Rule>();
  const others: Rule[] = [];
  for (const rule of rules) {
    for (const url of rule.nonResourceURLs ?? [])
      for (const verb of rule.verbs ?? []) others.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        for (const verb of rule.verbs ?? []) {
          const names = rule.resourceNames ?? [];
          const key = JSON.stringify([group, resource, names]);
          const verbs = simple.get(key)?.verbs ?? [];
          simple.set(key, {
            apiGroups: [group],
            resources: [resource],
            ...(names.length > 0 ? { resourceNames: names } : {}),
            verbs: verbs.includes(verb) && names.length === 0 ? verbs : [...verbs, verb],
          });
        }
      }
    }
  }
  const text = (rule: Rule) =>
    [rule.verbs, rule.apiGroups, rule.resources, rule.resourceNames, rule.nonResourceURLs].map(goList).join(",");
  return [...simple.values(), ...others]
    .map((rule) => ({ rule, text: text(rule) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ rule }) => rule);
}

function resourceText({ resources = [], apiGroups = [] }: Rule): string {
  const [first] = resources;
  if (first === undefined) return "";
  const [resource = "", subresource] = first.split("/", 2);
  return `${resource}${apiGroups[0] ? `.${apiGroups[0]}` : ""}${subresource === undefined ? "" : `/${subresource}`}`;
}

/** A list as Go prints it. */
function goList(values: readonly string[] = []): string {
  return `[${values.join(" ")}]`;
}
