import { printable } from "../core/util/printable.ts";
import { compareWithServer } from "./apply/compare.ts";
import { prunable, pruneResources } from "./apply/prune.ts";
import { manifestFlags, namesManifests, standardInput } from "./manifests.ts";
import { qualifiedName } from "./output/format.ts";
import { type PlannedChange, planChange } from "./plan/changes.ts";
import { findTargets } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { selectorFlags } from "./write_flags.ts";

const maxFields = 8;

/** Says what an apply would do. */
export const plan: Verb = defineVerb({
  name: "plan",
  group: "Change",
  summary: "Say what an apply would create, change, delete and restart; nothing is changed.",
  description:
    "The server is asked, by dry runs: defaults and admission are counted in. Each object is told with the file it stands in.",
  words: "[words...]",
  flags: {
    ...manifestFlags,
    selector: selectorFlags.selector,
    "server-side": { type: "boolean", description: "Let the server merge, by who owns which field." },
    "force-conflicts": { type: "boolean", description: "With --server-side: take over the fields that others own." },
    prune: { type: "boolean", description: "Count what a prune would delete." },
    "prune-allowlist": {
      type: "list",
      placeholder: "type",
      description: "With --prune: types to look at, GROUP/VERSION/KIND; may be repeated.",
    },
  },
  examples: [["Before it is done", "wherry plan -f k8s/"]],
  async run({ flags, words, env }) {
    if (words.length > 0) throw new UsageError(`Unexpected args: [${words.join(" ")}]`);
    if (!namesManifests(flags)) throw new UsageError("must specify one of -f and -k");
    const serverSide = flags["server-side"];
    const allowed = flags.prune ? await pruneResources(flags["prune-allowlist"], env) : [];
    const targets = await findTargets({ words: [], manifests: flags, selector: flags.selector }, env);
    const totals = { create: 0, change: 0, delete: 0, restart: 0 };
    const uids = new Set<string>();
    const namespaces = new Set<string>();
    await targets.visitLoaded(async (target) => {
      const { before, after } = await compareWithServer(
        target,
        {
          serverSide,
          forceConflicts: flags["force-conflicts"],
          fieldManager: serverSide ? "kubectl" : "kubectl-client-side-apply",
        },
        env,
      );
      if (before?.metadata.uid) uids.add(before.metadata.uid);
      if (target.key.namespace) namespaces.add(target.key.namespace);
      const change = planChange(before, after);
      if (change.kind !== "none") totals[change.kind]++;
      totals.restart += change.restarts;
      for (const line of linesOf(qualifiedName(after), target.source, change)) await env.terminal.write(`${line}\n`);
    });
    for (const { object } of await prunable({ allowed, uids, namespaces, selector: flags.selector }, env)) {
      totals.delete++;
      await env.terminal.write(`- ${qualifiedName(object)}\n`);
    }
    await env.terminal.write(
      `${totals.create} to create, ${totals.change} to change, ${totals.delete} to delete, ${totals.restart} pods to restart\n`,
    );
    return 0;
  },
});

const signs = { create: "+", change: "~", none: "=" } as const;

function linesOf(name: string, source: string, { kind, fields, restarts }: PlannedChange): readonly string[] {
  const suffix = restarts > 0 ? ` (${restarts} ${restarts === 1 ? "pod restarts" : "pods restart"})` : "";
  const shown = fields.slice(0, maxFields).map((line) => `    ${printable(line)}`);
  const rest = fields.length - shown.length;
  const origin = source === standardInput ? "" : ` from ${printable(source)}`;
  return [`${signs[kind]} ${name}${origin}${suffix}`, ...shown, ...(rest > 0 ? [`    and ${rest} more`] : [])];
}
