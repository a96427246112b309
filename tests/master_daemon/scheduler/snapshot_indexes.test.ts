import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { selectorFromMap } from "../../../core/api/labels.ts";
import { podTerms } from "../../../master_daemon/scheduler/_affinity_terms.ts";
import { Snapshot } from "../../../master_daemon/scheduler/snapshot.ts";
import { aNode } from "../controllers/fixtures.ts";
import { on, waiting } from "./_place.ts";

const names = ["a", "b", "c", "d"];
const zone = fc.constantFrom("z1", "z2", undefined);
const step = fc.oneof(
  fc.record({ do: fc.constant("node" as const), name: fc.constantFrom(...names), zone, gone: fc.boolean() }),
  fc.record({
    do: fc.constant("pod" as const),
    id: fc.integer({ min: 0, max: 7 }),
    node: fc.constantFrom(...names),
    app: fc.constantFrom("x", "y"),
    shy: fc.boolean(),
    gone: fc.boolean(),
    assumed: fc.boolean(),
  }),
  fc.record({ do: fc.constant("ask" as const), id: fc.integer({ min: 0, max: 7 }) }),
);
const shyOf = (app: string) => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: "zone", labelSelector: { matchLabels: { app } } },
      ],
    },
  },
});

describe("Snapshot", () => {
  it("counts by its indexes what a look at every pod counts, whatever comes, goes and changes", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const snapshot = new Snapshot();
        const nodes = new Map<string, string | undefined>();
        const pods = new Map<string, { node: string; app: string; shy: boolean }>();
        const selector = selectorFromMap({ app: "x" });
        const asking = podTerms(waiting(shyOf("x")));
        for (const one of steps) {
          if (one.do === "node") {
            const node = aNode(one.name, { metadata: { labels: one.zone === undefined ? {} : { zone: one.zone } } });
            if (one.gone) {
              snapshot.deleteNode(node);
              nodes.delete(one.name);
            } else {
              snapshot.setNode(node);
              nodes.set(one.name, one.zone);
            }
          } else if (one.do === "pod") {
            const pod = on(one.node, `p${one.id}`, { app: one.app }, one.shy ? shyOf("x") : {});
            if (one.gone) {
              snapshot.deletePod(pod);
              pods.delete(`p${one.id}`);
            } else {
              if (one.assumed) snapshot.assume(pod, one.node);
              else snapshot.setPod(pod);
              pods.set(`p${one.id}`, one);
            }
          } else {
            const known = new Set(nodes.keys());
            for (const node of snapshot.nodes)
              snapshot.without([...node.pods], () => snapshot.supposing([waiting(shyOf("x"))], node.name, () => {}));
            expect(new Set(snapshot.nodes.map(({ name }) => name))).toEqual(known);
          }
          const scan = (wanted: (pod: { app: string; shy: boolean }) => boolean) => {
            const counts = new Map<string, number>();
            for (const pod of pods.values()) {
              const value = nodes.get(pod.node);
              if (value !== undefined && wanted(pod)) counts.set(value, (counts.get(value) ?? 0) + 1);
            }
            return counts;
          };
          expect(snapshot.podsOfSelector("default", selector).by("zone")).toEqual(scan(({ app }) => app === "x"));
          expect(snapshot.podsOfTerms(asking.antiAffinity).by("zone")).toEqual(scan(({ app }) => app === "x"));
          const [term] = snapshot.termsSelecting(waiting({}, { app: "x" }), "antiAffinity");
          expect(term?.counts.by("zone") ?? new Map()).toEqual(scan(({ shy }) => shy));
          const byZone = new Map([...snapshot.nodesBy("zone").byValue].map(([value, { size }]) => [value, size]));
          const zones = new Map<string, number>();
          for (const value of nodes.values()) if (value !== undefined) zones.set(value, (zones.get(value) ?? 0) + 1);
          expect(byZone).toEqual(zones);
        }
      }),
      { numRuns: 100 },
    );
  });
});
