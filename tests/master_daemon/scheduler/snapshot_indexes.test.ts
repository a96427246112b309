import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { selectorFromMap } from "../../../core/api/labels.ts";
import { podTerms } from "../../../master_daemon/scheduler/_affinity_terms.ts";
import { Snapshot } from "../../../master_daemon/scheduler/snapshot.ts";
import { aNode } from "../controllers/fixtures.ts";
import { on, place, snapshotOf, waiting } from "./_place.ts";

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

  it.each([false, true])(
    "has a node as it was when pods were supposed to be elsewhere (it alone is asked: %s)",
    (asksNode) => {
      const asking = { containers: [{ name: "c", image: "app", resources: { requests: { cpu: "1" } } }] };
      const snapshot = snapshotOf([aNode("a")], [on("a", "one", {}, asking), on("a", "two", {}, asking)]);
      const taken = () => [snapshot.node("a")?.podCount, snapshot.node("a")?.requested.milliCpu];
      const present = [...(snapshot.node("a")?.pods ?? [])];
      const seen: unknown[] = [];
      snapshot.without(
        present,
        ({ putBack, remove }) => {
          seen.push(taken());
          for (const info of present) putBack(info);
          seen.push(taken());
          // The second time there is nothing to take.
          for (const info of [...present, ...present]) remove(info);
          snapshot.supposing([waiting(asking)], "a", () => seen.push(taken()), { asksNode });
          seen.push(taken());
        },
        { asksNode },
      );
      expect(seen).toEqual([
        [0, 0],
        [2, 2000],
        [1, 1000],
        [0, 0],
      ]);
      expect(taken()).toEqual([2, 2000]);
      snapshot.deletePod(on("a", "one"));
      expect(taken()).toEqual([1, 1000]);
    },
  );

  it("has every node with room among those that it finds by what is left, whatever comes, goes and grows", () => {
    const amount = fc.constantFrom(0, 1, 2, 3, 4, 7, 8);
    const change = fc.record({
      node: fc.integer({ min: 0, max: 11 }),
      capacity: fc.option(amount),
      pod: fc.integer({ min: 0, max: 19 }),
      taken: fc.option(amount),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), amount, (changes, wanted) => {
        const snapshot = new Snapshot();
        for (const { node: at, capacity, pod: id, taken } of changes) {
          const name = `node-${at}`;
          const allocatable = { cpu: `${capacity}`, memory: `${capacity}Gi`, pods: "110" };
          if (capacity === null) snapshot.deleteNode(aNode(name));
          else snapshot.setNode({ ...aNode(name), status: { allocatable } });
          const resources = { requests: { cpu: `${taken}`, memory: `${taken}Gi` } };
          const pod = on(name, `pod-${id}`, {}, { containers: [{ name: "c", image: "app", resources }] });
          if (taken === null) snapshot.deletePod(pod);
          else snapshot.setPod(pod);
        }
        const asked = { milliCpu: wanted * 1000, memoryBytes: wanted * 2 ** 30 };
        const found = snapshot.nodesWithFree(asked);
        const fitting = snapshot.nodes.filter(
          ({ allocatable, requested }) => allocatable.milliCpu - requested.milliCpu >= asked.milliCpu,
        );
        if (!found) return;
        expect(found.length).toBeLessThanOrEqual(snapshot.nodes.length / 4);
        expect(snapshot.nodes).toEqual(expect.arrayContaining([...found]));
        expect(found).toEqual(expect.arrayContaining(fitting));
      }),
      { numRuns: 200 },
    );
  });

  it("looks only at the nodes with room for a pod when they are few", () => {
    const taking = (cpu: string) => ({ containers: [{ name: "c", image: "app", resources: { requests: { cpu } } }] });
    const names = Array.from({ length: 100 }, (_, at) => `node-${at}`);
    const full = names.slice(3).map((name) => on(name, `on-${name}`, {}, taking("3900m")));
    const snapshot = snapshotOf(
      names.map((name) => aNode(name)),
      full,
    );
    const placed = place(waiting(taking("2")), snapshot);
    expect(names.slice(0, 3)).toContain(placed.node?.name);
    expect(placed.visited).toBe(3);
    const nowhere = place(waiting(taking("5")), snapshot);
    expect(nowhere).toMatchObject({ node: undefined, visited: 100 });
  });
});
