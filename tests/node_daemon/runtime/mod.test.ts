import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { dockerAddress } from "../../../node_daemon/runtime/find_docker.ts";
import { openRuntime, type RuntimeName } from "../../../node_daemon/runtime/mod.ts";

async function withOptions(body: (options: Parameters<typeof openRuntime>[1]) => Promise<void>): Promise<void> {
  const rootDir = await mkdtemp(join(tmpdir(), "wherry-runtime-"));
  await body({ rootDir, clock: systemClock, random: seededRandom(1), log: silentLogger });
  await rm(rootDir, { recursive: true });
}

describe("openRuntime()", () => {
  it("openRuntime() opens the process runtime for auto, when no engine answers", async () => {
    await withOptions(async (options) => {
      await using runtime = await openRuntime("auto", {
        ...options,
        dockerHost: `unix://${options.rootDir}/none.sock`,
      });
      expect(runtime.name).toBe("process");
    });
  });

  it("openRuntime() opens the process runtime for auto, when an engine accepts but does not answer", async () => {
    await withOptions(async (options) => {
      const silent = createServer(() => {}).listen(`${options.rootDir}/silent.sock`);
      await once(silent, "listening");
      await using runtime = await openRuntime("auto", {
        ...options,
        dockerHost: `unix://${options.rootDir}/silent.sock`,
      });
      expect(runtime.name).toBe("process");
      silent.closeAllConnections();
      silent.close();
    });
  });

  it("openRuntime() throws, when the name is unknown", async () => {
    await withOptions(async (options) => {
      await expect(openRuntime("constructor" as RuntimeName, options)).rejects.toThrow(
        'Cannot open container runtime "constructor": it is none of auto, process, docker, fake',
      );
    });
  });
});

describe("dockerAddress()", () => {
  it.each([
    ["unix:///x/y.sock", { socketPath: "/x/y.sock" }],
    ["tcp://127.0.0.1:2375", { host: "127.0.0.1", port: 2375 }],
    ["tcp://[::1]:1234", { host: "::1", port: 1234 }],
  ])("dockerAddress() reads %s", (text, address) => expect(dockerAddress(text)).toEqual(address));
  it("dockerAddress() throws, when the scheme is another", () => {
    expect(() => dockerAddress("ssh://host")).toThrow(TypeError);
  });
});
