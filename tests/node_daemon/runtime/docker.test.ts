import { describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { findDocker } from "../../../node_daemon/runtime/find_docker.ts";
import { openRuntime } from "../../../node_daemon/runtime/mod.ts";
import { importBusybox, testImage } from "../../suites/docker_image.ts";
import { never, type RuntimeUnderTest, runtimeSuite, sandboxConfig } from "../../suites/runtime_suite.ts";

const required = (process.env["WHERRY_REQUIRE"] ?? "").split(",").includes("docker");
const answers = await findDocker({ clock: systemClock });

const nodeName = `test-${process.pid}`;
const options = { rootDir: "", clock: systemClock, random: systemRandom, log: silentLogger, nodeName };

async function open(): Promise<RuntimeUnderTest> {
  await importBusybox();
  const start = () => openRuntime("docker", { ...options, podInfraImage: testImage });
  let current = await start();
  return {
    runtime: current,
    async reopen() {
      await current[Symbol.asyncDispose]();
      current = await start();
      return current;
    },
    async [Symbol.asyncDispose]() {
      for (const { id } of await current.listSandboxes({ signal: never })) {
        await current.removePodSandbox(id, { signal: never });
      }
      await current[Symbol.asyncDispose]();
    },
  };
}

if (required || answers) {
  runtimeSuite("docker runtime", {
    open,
    image: testImage,
    podIP: undefined,
    skip: { refusal: "the engine reports it as output and exit code 126 or 127" },
  });
  describe("docker runtime", () => {
    it.each([
      { of: "other nodes", owner: { nodeName: "another", rootDir: "" } },
      { of: "a node of the same name in another cluster", owner: { nodeName, rootDir: "/another" } },
    ])("listSandboxes() leaves out containers of $of, when they share the engine", async ({ owner }) => {
      await using under = await open();
      const other = await openRuntime("docker", { ...options, ...owner, podInfraImage: testImage });
      const foreign = await other.runPodSandbox(sandboxConfig(), { signal: never });
      expect(await under.runtime.listSandboxes({ signal: never })).toEqual([]);
      await other.removePodSandbox(foreign.id, { signal: never });
      await other[Symbol.asyncDispose]();
    });

    it("pull() fails with ErrImagePull, when there is no such image", async () => {
      await using under = await open();
      const pulled = under.runtime.images.pull("127.0.0.1:1/none", { signal: never });
      await expect(pulled).rejects.toMatchObject({ reason: "ErrImagePull" });
      await expect(under.runtime.images.find("No//pe", { signal: never })).rejects.toMatchObject({
        reason: "InvalidImageName",
      });
    });
  });
} else {
  it.skip("docker runtime (no engine answers)", () => {});
}
