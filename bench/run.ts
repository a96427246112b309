/**
 * Measures, and prints each figure with what to hold it against: `npm run bench [name…]`. Every benchmark runs anywhere
 * and leaves nothing behind; those that take minutes run only when they are named. Figures of one run compare; those of busy machines do not.
 */
import os from "node:os";
import process from "node:process";
import { version } from "../core/version.ts";
import { type Bench, formatFigure } from "./figure.ts";

const benches: ReadonlyMap<string, () => Promise<{ readonly bench: Bench }>> = new Map([
  ["start_cluster", () => import("./start_cluster.ts")],
  ["apply_ready", () => import("./apply_ready.ts")],
  ["pods", () => import("./pods.ts")],
  ["idle_node", () => import("./idle_node.ts")],
  ["api", () => import("./api.ts")],
  ["peer", () => import("./peer.ts")],
  ["store", () => import("./store.ts")],
  ["scale", () => import("./scale.ts")],
  ["large", () => import("./large.ts")],
  ["scheduling", () => import("./scheduling.ts")],
  ["proxy", () => import("./proxy.ts")],
  ["cli", () => import("./cli.ts")],
]);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benches.has(name));
if (unknown.length > 0) {
  console.error(`Cannot measure ${unknown.join(", ")}: there are ${[...benches.keys()].join(", ")}`);
  process.exit(1);
}
const load = os.loadavg()[0]?.toFixed(1);
console.log(`wherry ${version}, Node ${process.versions.node}, ${os.cpus().length} processors, load ${load}`);
for (const [name, open] of benches) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { bench } = await open();
  if (bench.isLong && wanted.length === 0) continue;
  console.log(`\n${name}: ${bench.about}`);
  for await (const figure of bench.run()) console.log(formatFigure(figure));
}
process.exit(0);
