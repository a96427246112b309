/** Loads the library and starts a cluster until a list is answered; prints the milliseconds. */
import { cpuTime } from "./figure.ts";

const startedAt = performance.now();
const { namespace, startCluster } = await import("../mod.ts");
const importedAt = performance.now();
const cluster = await startCluster();
await cluster.client.list(namespace);
const listedAt = performance.now();
console.log(JSON.stringify({ importMs: importedAt - startedAt, totalMs: listedAt - startedAt, cpuMs: cpuTime() }));
await cluster[Symbol.asyncDispose]();
