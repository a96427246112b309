import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import { dockerAddress } from "../node_daemon/runtime/find_docker.ts";
import { timed } from "./figure.ts";

const run = promisify(execFile);

/** An image with a shell, which by itself waits to be stopped. */
export const benchImage = "wherry-bench:1";

/** The engine at `DOCKER_HOST`, else the usual socket, with {@linkcode benchImage} in it; undefined when none answers. */
export async function openEngine(): Promise<Docker | undefined> {
  const engine = new Docker(dockerAddress());
  const answers = await engine.ping().then(
    () => true,
    () => false,
  );
  if (!answers) return undefined;
  await importImage(engine);
  return engine;
}

/** Makes and starts containers side by side; milliseconds of each, until the engine says that it runs. */
export function engineTimes(engine: Docker, count: number): Promise<readonly number[]> {
  return timesOf(engine, count, (run) => run());
}

/** What a pod is to the engine, side by side: a container with a network and one that joins it; milliseconds of each pair. */
export function enginePairTimes(engine: Docker, count: number): Promise<readonly number[]> {
  return timesOf(engine, count, async (run) => {
    const holder = await run();
    await run({ NetworkMode: `container:${holder}` });
  });
}

type RunContainer = (host?: Docker.HostConfig) => Promise<string>;

async function timesOf(
  engine: Docker,
  count: number,
  work: (run: RunContainer) => Promise<unknown>,
): Promise<readonly number[]> {
  const made: Docker.Container[] = [];
  const run: RunContainer = async (host = {}) => {
    const container = await engine.createContainer({ Image: benchImage, HostConfig: host });
    made.push(container);
    await container.start();
    return container.id;
  };
  const times = await Promise.all(Array.from({ length: count }, () => timed(() => work(run))));
  await Promise.all(made.map((container) => container.remove({ force: true })));
  return times;
}

/** Docker Swarm on this engine, for as long as it is not disposed; undefined when the engine will not make one. */
export async function openSwarm(engine: Docker): Promise<AsyncDisposable | undefined> {
  const options = { ListenAddr: "127.0.0.1:0", AdvertiseAddr: "127.0.0.1" };
  const isOurs = await engine.swarmInit(options).then(
    () => true,
    () => false,
  );
  const { Swarm } = (await engine.info()) as { readonly Swarm?: { readonly LocalNodeState?: string } };
  if (Swarm?.LocalNodeState !== "active") return undefined;
  return {
    async [Symbol.asyncDispose]() {
      if (isOurs) await engine.swarmLeave({ force: true });
    },
  };
}

interface Task {
  readonly Status?: { readonly State?: string; readonly Timestamp?: string };
}

/** Makes a service of so many replicas; milliseconds of each, until the manager noted that it runs. */
export async function swarmTimes(engine: Docker, count: number): Promise<readonly number[]> {
  const name = `wherry-bench-${count}-${performance.now().toFixed(0)}`;
  const startedAt = Date.now();
  const service = await engine.createService({
    Name: name,
    TaskTemplate: { ContainerSpec: { Image: benchImage, StopGracePeriod: 0 }, RestartPolicy: { Condition: "none" } },
    Mode: { Replicated: { Replicas: count } },
  });
  const deadline = Date.now() + 120_000;
  try {
    for (;;) {
      const tasks = (await engine.listTasks({ filters: { service: [name] } })) as readonly Task[];
      const running = tasks.filter(({ Status }) => Status?.State === "running");
      if (running.length === count) {
        return running.map(({ Status }) => Date.parse(Status?.Timestamp ?? "") - startedAt);
      }
      if (Date.now() > deadline) throw new Error(`Cannot measure Docker Swarm: ${running.length} of ${count} run`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await service.remove();
    await allGone(engine, name, deadline);
  }
}

async function allGone(engine: Docker, service: string, deadline: number): Promise<void> {
  const filters = { label: [`com.docker.swarm.service.name=${service}`] };
  while ((await engine.listContainers({ all: true, filters })).length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Makes {@linkcode benchImage} from the machine's static busybox, unless the engine has it. */
async function importImage(engine: Docker): Promise<void> {
  const images = await engine.listImages({ filters: { reference: [benchImage] } });
  if (images.length > 0) return;
  const folder = await mkdtemp(join(tmpdir(), "wherry-image-"));
  try {
    const bin = join(folder, "root", "bin");
    await mkdir(bin, { recursive: true });
    const busybox = (await run("sh", ["-c", "command -v busybox"])).stdout.trim();
    await run("cp", ["-L", busybox, join(bin, "busybox")]);
    for (const name of ["sh", "sleep"]) await symlink("busybox", join(bin, name));
    const archive = join(folder, "root.tar");
    await run("tar", ["-C", join(folder, "root"), "-cf", archive, "."]);
    const [repo, tag] = benchImage.split(":");
    const changes = ['CMD ["sleep","1000000"]', "ENV PATH=/bin"];
    for await (const _progress of await engine.importImage(archive, { repo, tag, changes }));
  } finally {
    await rm(folder, { recursive: true });
  }
}
