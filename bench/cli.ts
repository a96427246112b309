import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startCluster } from "../mod.ts";
import { isInstalled, output, rootFolder } from "./child.ts";
import { type Bench, type Figure, median, timed } from "./figure.ts";

/** How long a short command takes, from the shell's point of view. */
export const bench: Bench = {
  about: "one command from start to end, against a cluster over TLS",
  async *run(): AsyncGenerator<Figure> {
    const folder = await mkdtemp(join(tmpdir(), "wherry-bench-cli-"));
    try {
      await using cluster = await startCluster({ nodes: 0 });
      const kubeconfig = join(folder, "config");
      await writeFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
      const env = { KUBECONFIG: kubeconfig, HOME: folder };
      const wherry = [process.execPath, join(rootFolder(), "bin", "wherry.cjs")];
      const time = async (command: readonly string[]) => {
        const times: number[] = [];
        for (let turn = 0; turn < 10; turn++) times.push(await timed(() => output(command, { env })));
        return median(times);
      };
      const bare = await time([process.execPath, "-e", "0"]);
      const kubectl = (await isInstalled("kubectl")) ? await time(["kubectl", "get", "pods"]) : undefined;
      yield {
        what: "wherry get pods",
        value: await time([...wherry, "get", "pods"]),
        unit: "ms",
        beside: { "node -e 0": bare, kubectl },
      };
      yield {
        what: "wherry --help",
        value: await time([...wherry, "--help"]),
        unit: "ms",
        beside: { "node -e 0": bare },
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
