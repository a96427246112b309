import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A small image with a shell, which by itself waits to be stopped: it serves as pause image too. */
export const testImage = "wherry-test:1";

/** Makes {@linkcode testImage} from the machine's static busybox, unless the engine has it. */
export async function importBusybox(): Promise<void> {
  const present = await run("docker", ["image", "inspect", testImage]).then(
    () => true,
    () => false,
  );
  if (present) return;
  const folder = await mkdtemp("/tmp/wherry-image-");
  await mkdir(`${folder}/root/bin`, { recursive: true });
  await mkdir(`${folder}/root/tmp`);
  await run("cp", ["/bin/busybox", `${folder}/root/bin/busybox`]);
  const { stdout } = await run("/bin/busybox", ["--list"]);
  for (const name of stdout
    .trim()
    .split("\n")
    .filter((name) => name !== "busybox")) {
    await run("ln", ["-s", "busybox", `${folder}/root/bin/${name}`]);
  }
  await run("tar", ["-C", `${folder}/root`, "-cf", `${folder}/root.tar`, "."]);
  const path = "ENV PATH=/bin";
  await run("docker", ["import", "-c", 'CMD ["sleep","1000000"]', "-c", path, `${folder}/root.tar`, testImage]);
  await rm(folder, { recursive: true });
}
