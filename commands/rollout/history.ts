import { describePodTemplate } from "../describe/pod_template.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { shownSafely } from "../output/tabbed.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { structPrinterOptions } from "../write_flags.ts";
import { noHistory } from "./progress.ts";
import { type Revision, revisionsOf, shownTemplate } from "./revisions.ts";
import { workloadFlags, workloads } from "./targets.ts";

/** Shows what a workload was before. */
export const history: Verb = defineVerb({
  name: "history",
  group: "Roll out",
  summary: "Show the revisions of a workload.",
  words: "[type] [names...]",
  flags: {
    ...workloadFlags,
    ...printFlags,
    revision: { type: "number", default: 0, placeholder: "n", description: "Show what this revision's pods are like." },
  },
  examples: [
    ["All revisions", "wherry rollout history deploy/web"],
    ["What one was like", "wherry rollout history deploy/web --revision=3"],
  ],
  async run({ flags, words, env }) {
    const wanted = flags.revision;
    const targets = await workloads(flags, words, env);
    if (wanted < 0) throw new UsageError(`revision must be a positive integer: ${wanted}`);
    const print = await objectPrinter(flags, structPrinterOptions("none", env));
    const client = await env.client();
    await targets.visitLoaded(
      async (target) => {
        const { object } = target;
        if (!["Deployment", "DaemonSet", "StatefulSet"].includes(object.kind))
          throw noHistory(object, "history viewer");
        const revisions = await revisionsOf(client, target, env);
        if (flags.output) {
          for (const { object: kept } of wanted > 0 ? [pick(revisions, wanted)] : revisions) await print(kept, "");
          return;
        }
        const title = wanted > 0 ? `with revision #${wanted}` : "";
        await print(
          object,
          `${title}\n${revisions.length === 0 ? "No rollout history found." : shown(revisions, wanted)}`,
        );
      },
      { latest: true },
    );
    return 0;
  },
});

function pick(revisions: readonly Revision[], number: number): Revision {
  const found = revisions.find((revision) => revision.number === number);
  if (!found) throw new UsageError("unable to find the specified revision");
  return found;
}

function shown(revisions: readonly Revision[], wanted: number): string {
  if (wanted > 0) return describePodTemplate(shownTemplate(pick(revisions, wanted)));
  const rows = revisions.map(({ number, changeCause }) => `${String(number).padEnd(10)}${changeCause || "<none>"}\n`);
  return shownSafely(`REVISION  CHANGE-CAUSE\n${rows.join("")}`);
}
