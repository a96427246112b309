import { describe, expect, it } from "vitest";
import { startCluster } from "../../cluster/start_cluster.ts";
import { keyOf } from "../../core/api/meta.ts";
import { cronJob, node } from "../../core/kinds/mod.ts";
import { seededRandom } from "../../core/platform/random.ts";
import { everything, Invariants } from "./_invariants.ts";
import { happenings, oneOf, randomWorkloads, within } from "./_workloads.ts";

/** `WHERRY_SIMULATIONS=500` runs so many seeds; `WHERRY_SEED=7` runs that one. */
const count = Number(process.env["WHERRY_SIMULATIONS"] ?? 12);
const only = process.env["WHERRY_SEED"];
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)];

const nodes = 4;
/** All workloads together fit on three of them, so that the loss of one fills the others. */
const nodeCapacity = { cpu: "3500m", memory: "8Gi", pods: "110" };
const steps = 12;

describe("a simulated cluster under random workloads and faults", () => {
  it.each(seeds)("keeps its promises with seed %i", { timeout: 120_000 }, async (seed) => {
    const random = seededRandom(seed);
    const told: string[] = [];
    await using cluster = await startCluster({ clock: "fake", runtime: "fake", nodes, nodeCapacity, seed });
    const invariants = new Invariants(cluster);
    try {
      await cluster.apply(randomWorkloads(random));
      for (let step = 0; step < steps; step++) {
        told.push(await oneOf(random, happenings)(cluster, random));
        for (let slice = within(random, 1, 4); slice > 0; slice--) {
          await cluster.advance(within(random, 0, 15_000));
          await invariants.always();
        }
      }
      cluster.setFaults({});
      for (let index = 0; index < nodes; index++) {
        const name = `node-${index}`;
        cluster.reviveNode(name);
        await cluster.client.patch(node, { name }, { type: "merge", body: { spec: { unschedulable: null } } });
      }
      // With them nothing would ever stay as it is; and an autoscaler takes its time.
      for (const { metadata } of (await cluster.client.list(cronJob)).items)
        await cluster.client.patch(cronJob, keyOf({ metadata }), { type: "merge", body: { spec: { suspend: true } } });
      await cluster.advance("5m");
      // Back-off may last for minutes.
      for (let minutes = 0; minutes < 25 && (await invariants.unfinished()).length > 0; minutes++)
        await cluster.advance("1m");
      await invariants.always();
      expect(await invariants.unfinished()).toEqual([]);
      const before = await everything(cluster);
      await cluster.advance("3m");
      expect(await everything(cluster)).toEqual(before);
    } catch (error) {
      throw new Error(`Seed ${seed} (WHERRY_SEED=${seed} repeats it): ${told.join("; ")}`, { cause: error });
    } finally {
      await invariants.close();
    }
  });
});
