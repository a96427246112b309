import type { KubeObject } from "../core/api/meta.ts";
import { ageText } from "../core/api/table.ts";
import type { Pod } from "../core/kinds/pod.ts";
import { podStatusText } from "../core/kinds/pod_helpers.ts";
import type { CommandEnv } from "./env.ts";
import { listEverything } from "./everything.ts";
import { shownSafely, tabbed } from "./output/tabbed.ts";
import { resourceNamed } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Shows an object and what belongs to it, below each other. */
export const tree: Verb = defineVerb({
  name: "tree",
  group: "See",
  summary: "Show an object and all that belongs to it.",
  words: "<type> [name]",
  flags: {},
  examples: [["A deployment with its replica sets and pods", "wherry tree deploy/web"]],
  async run({ words, env }) {
    const [type = "", name = ""] = words.length === 1 ? (words[0]?.split("/") ?? []) : words;
    if (!type || !name) throw new UsageError("name an object, as TYPE/NAME");
    const client = await env.client();
    const resource = await resourceNamed(client, type);
    const namespace = resource.namespaced ? await env.namespace() : undefined;
    const root = await client.get(resource, { namespace, name }, { signal: env.signal });
    const owned = await ownedObjects(namespace, env);
    const lines: string[] = ["NAME\tREADY\tSTATUS\tAGE"];
    const add = (object: KubeObject, margin: string, branch: string, above: ReadonlySet<string>) => {
      const uid = object.metadata.uid ?? "";
      lines.push(
        [
          `${margin}${branch}${object.kind}/${object.metadata.name}`,
          ...stateOf(object),
          ageText(object.metadata.creationTimestamp, env.clock.now()),
        ].join("\t"),
      );
      // Owners that own each other must not make this endless.
      const children = above.has(uid) ? [] : (owned.get(uid) ?? []);
      const inner = margin + (branch === "" ? "" : branch === "├─" ? "│ " : "  ");
      children.forEach((child, index) => {
        add(child, inner, index === children.length - 1 ? "└─" : "├─", new Set([...above, uid]));
      });
    };
    add({ ...root, kind: resource.kind }, "", "", new Set());
    await env.terminal.write(`${tabbed(shownSafely(lines.join("\n")), { padding: 3 })}\n`);
    return 0;
  },
});

/** All objects that belong to others, by the owner's uid. Of what may not be listed none. */
async function ownedObjects(
  namespace: string | undefined,
  env: CommandEnv,
): Promise<ReadonlyMap<string, readonly KubeObject[]>> {
  const owned = new Map<string, KubeObject[]>();
  for (const object of await listEverything(namespace, env)) {
    for (const { uid } of object.metadata.ownerReferences ?? []) owned.set(uid, [...(owned.get(uid) ?? []), object]);
  }
  return owned;
}

/** Whether it is ready, and why not, as far as it says so; of pods what `get` says. */
function stateOf(object: KubeObject): readonly [ready: string, status: string] {
  const { status = {} } = object as {
    readonly status?: { readonly phase?: string; readonly conditions?: readonly Condition[] };
  };
  const ready = (status.conditions ?? []).find(({ type }) => type === "Ready" || type === "Available");
  const isPod = object.kind === "Pod" && object.apiVersion === "v1";
  if (isPod) return [ready?.status ?? "-", podStatusText(object as Pod)];
  return [
    ready?.status ?? "-",
    ready?.status === "True" ? (status.phase ?? "") : (ready?.reason ?? status.phase ?? ""),
  ];
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}
