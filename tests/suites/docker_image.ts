import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import { dockerAddress } from "../../node_daemon/runtime/find_docker.ts";

const run = promisify(execFile);

/** The engine at `DOCKER_HOST`, else the usual socket. */
export const engine: Docker = new Docker(dockerAddress());

/** A small image with a shell, which by itself stays until it is told to end: it serves as pause image too. */
export const testImage = "wherry-test:1";

/** Makes {@linkcode testImage} from the machine's static busybox, unless the engine has it. */
export async function importBusybox(into: Docker = engine): Promise<void> {
  const images = await into.listImages({ filters: { reference: [testImage] } });
  if (images.length > 0) return;
  const folder = await mkdtemp(join(tmpdir(), "wherry-image-"));
  try {
    const bin = join(folder, "root", "bin");
    await mkdir(bin, { recursive: true });
    await mkdir(join(folder, "root", "tmp"));
    const busybox = (await run("sh", ["-c", "command -v busybox"])).stdout.trim();
    await run("cp", ["-L", busybox, join(bin, "busybox")]);
    const { stdout: applets } = await run(busybox, ["--list"]);
    for (const name of applets
      .trim()
      .split("\n")
      .filter((name) => name !== "busybox"))
      await symlink("busybox", join(bin, name));
    const archive = join(folder, "root.tar");
    await run("tar", ["-C", join(folder, "root"), "-cf", archive, "."]);
    // The first process of a container is ended by the signals only that it waits for.
    const stay = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"];
    const changes = [`CMD ${JSON.stringify(stay)}`, "ENV PATH=/bin"];
    const [repo, tag] = testImage.split(":");
    const answer = await into.importImage(archive, { repo, tag, changes });
    for await (const _progress of answer);
  } finally {
    await rm(folder, { recursive: true });
  }
}
