import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { defaultImageGc, ImageGarbageCollector } from "../../../node_daemon/kubelet/images/image_garbage_collector.ts";
import { findDocker } from "../../../node_daemon/runtime/find_docker.ts";
import { openRuntime } from "../../../node_daemon/runtime/mod.ts";
import { engine, importBusybox, testImage } from "../../suites/docker_image.ts";
import { containerConfig, never, sandboxConfig } from "../../suites/runtime_suite.ts";

const run = promisify(execFile);
const required = (process.env["WHERRY_REQUIRE"] ?? "").split(",").includes("docker");
const answers = await findDocker({ clock: systemClock });
const tag = `wherry-images-${process.pid}`;

/** Makes an image of a name, as a pull would: with content of its own, so that it is none of the others'. Resolves with its id. */
async function makeImage(folder: string, name: string): Promise<string> {
  await writeFile(join(folder, "content"), `${name} ${process.pid}`);
  await run("tar", ["-C", folder, "-cf", join(folder, "image.tar"), "content"]);
  const [repo, version] = name.split(":");
  const progress = await engine.importImage(join(folder, "image.tar"), { repo, tag: version, changes: ['CMD ["x"]'] });
  for await (const _ of progress);
  return (await engine.getImage(name).inspect()).Id;
}

const namesOf = async () =>
  (await engine.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => name.startsWith(tag));

describe.skipIf(!required && !answers)("images of a Docker engine", () => {
  it("removes what the node fetched and nothing uses; what was there before, has another name or a container stays", async () => {
    await importBusybox();
    const folder = await mkdtemp(join(tmpdir(), "wherry-images-"));
    const runtimeOptions = { clock: systemClock, random: systemRandom, log: silentLogger, rootDir: folder };
    await using runtime = await openRuntime("docker", { ...runtimeOptions, nodeName: tag, podInfraImage: testImage });
    await using collector = new ImageGarbageCollector({
      policy: { ...defaultImageGc, minimumAgeMs: 0 },
      runtime,
      rootDir: folder,
      clock: systemClock,
      log: silentLogger,
      onFailure() {},
    });
    const sandbox = await runtime.runPodSandbox(sandboxConfig(), { signal: never });
    let foreign: string | undefined;
    try {
      expect(await runtime.images.folder({ signal: never })).toMatch(/^\//);
      const mine = await makeImage(folder, `${tag}:mine`);
      for (const name of ["unused", "ours", "theirs", "renamed", "mine"]) {
        const pull = async () => (name === "mine" ? mine : await makeImage(folder, `${tag}:${name}`));
        await collector.records.pulled(pull, { signal: never });
      }
      await engine.getImage(`${tag}:renamed`).tag({ repo: tag, tag: "kept" });
      const config = { ...containerConfig(""), image: `${tag}:ours` };
      await runtime.createContainer(sandbox, config, { signal: never });
      foreign = (await engine.createContainer({ Image: `${tag}:theirs` })).id;
      await collector.removeUnused({ signal: never });
      const names = ["kept", "mine", "ours", "renamed", "theirs"];
      expect((await namesOf()).sort()).toEqual(names.map((name) => `${tag}:${name}`));
    } finally {
      await runtime.removePodSandbox(sandbox.id, { signal: never });
      if (foreign) await engine.getContainer(foreign).remove({ force: true });
      for (const name of await namesOf()) await engine.getImage(name).remove();
      await rm(folder, { recursive: true });
    }
  });
});
