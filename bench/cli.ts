import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Cluster, startCluster } from "../mod.ts";
import { isInstalled, rootFolder } from "./child.ts";
import { type Bench, type Figure, median } from "./figure.ts";

/** How often each command is run. */
const turns = { short: 15, long: 5 };
const manyPods = 10_000;

/** How long commands take from the shell's point of view, beside kubectl's in the same turns. */
export const bench: Bench = {
  about: "one command from start to end beside kubectl's, turn by turn, against a cluster over TLS",
  async *run(): AsyncGenerator<Figure> {
    const folder = await mkdtemp(join(tmpdir(), "wherry-bench-cli-"));
    try {
      await using cluster = await startCluster({ nodes: 0 });
      const kubeconfig = join(folder, "config");
      await writeFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
      const env = { KUBECONFIG: kubeconfig, HOME: folder };
      const wherry = [process.execPath, join(rootFolder(), "bin", "wherry.cjs")];
      const kubectl = (await isInstalled("kubectl")) ? ["kubectl"] : undefined;
      const pair = async (words: readonly string[], count: number) => ({
        ...(await inTurns(
          {
            own: [...wherry, ...words],
            ...(kubectl ? { kubectl: [...kubectl, ...words] } : {}),
            bare: [process.execPath, "-e", "0"],
          },
          count,
          env,
        )),
      });
      yield* figures("version --client", await pair(["version", "--client"], turns.short), 1.2);
      await createPods(cluster, 0, 1);
      yield* figures("get pods, 1 pod", await pair(["get", "pods"], turns.short), 1.2);
      await createPods(cluster, 1, manyPods);
      yield* figures("get pods, 10,000 pods", await pair(["get", "pods"], turns.long), 1.0);
      yield* figures("get pods -o json, 10,000 pods", await pair(["get", "pods", "-o", "json"], turns.long), 1.0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** What a run of a command took. */
interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
  readonly peakMib: number;
}

type Costs = Readonly<Record<"own" | "bare" | "kubectl", Cost | undefined>>;

function* figures(what: string, { own, kubectl, bare }: Costs, goal: number): Generator<Figure> {
  if (!own) return;
  const row = (unit: Figure["unit"], of: (cost: Cost) => number, times: number): Figure => ({
    what: `wherry ${what}`,
    unit,
    value: of(own),
    ...(kubectl ? { goal: of(kubectl) * times } : {}),
    beside: { kubectl: kubectl && of(kubectl), "node -e 0": bare && of(bare) },
  });
  yield row("ms", ({ ms }) => ms, goal);
  yield row("ms CPU", ({ cpuMs }) => cpuMs, goal);
  yield row("MiB", ({ peakMib }) => peakMib, 1);
}

/** Runs commands one after another, `count` times after a first time that fills their caches; gives the middle cost of each. */
async function inTurns(
  commands: Readonly<Record<string, readonly string[]>>,
  count: number,
  env: Readonly<Record<string, string>>,
): Promise<Costs> {
  const costs = new Map<string, Cost[]>();
  for (let turn = 0; turn <= count; turn++) {
    for (const [name, command] of Object.entries(commands)) {
      const cost = await costOf(command, env);
      if (turn > 0) costs.set(name, [...(costs.get(name) ?? []), cost]);
    }
  }
  const middle = (name: string): Cost | undefined => {
    const all = costs.get(name);
    if (!all) return undefined;
    return {
      ms: median(all.map(({ ms }) => ms)),
      cpuMs: median(all.map(({ cpuMs }) => cpuMs)),
      peakMib: median(all.map(({ peakMib }) => peakMib)),
    };
  };
  return { own: middle("own"), kubectl: middle("kubectl"), bare: middle("bare") };
}

async function costOf(
  [program = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Cost> {
  const before = childrenCpuMs();
  const startedAt = performance.now();
  // The authorities that a machine adds to Node's own are read before Node does anything (60 ms for a system's): the machine's
  // choice, which is not measured.
  const { NODE_EXTRA_CA_CERTS: _, ...variables } = process.env;
  const child = spawn(program, args, { env: { ...variables, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  let peakMib = 0;
  // Its memory can be read while it lives only; the kernel keeps the peak.
  const looking = setInterval(() => {
    peakMib = Math.max(peakMib, peakOf(child));
  }, 5);
  const [code] = await once(child, "close");
  const ms = performance.now() - startedAt;
  clearInterval(looking);
  if (code !== 0) throw new Error(`Cannot run ${program} ${args.join(" ")}: ${errors.trim()}`);
  return { ms, cpuMs: childrenCpuMs() - before, peakMib };
}

function peakOf({ pid }: ChildProcess): number {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    return Number(kib ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Processor time of all children that have ended, as the kernel counts it: in hundredths of a second. */
function childrenCpuMs(): number {
  const stat = readFileSync("/proc/self/stat", "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

async function createPods({ client }: Cluster, from: number, to: number): Promise<void> {
  const kind = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
  let next = from;
  const create = async () => {
    while (next < to) {
      const name = `pod-${String(next++).padStart(5, "0")}`;
      const spec = { containers: [{ name: "main", image: "registry.example/web:1" }] };
      await client.create(kind, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: "default" },
        ...{ spec },
      });
    }
  };
  await Promise.all(Array.from({ length: 32 }, create));
}
