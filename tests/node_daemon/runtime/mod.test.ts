import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { dockerAddress } from "../../../node_daemon/runtime/find_docker.ts";
import { openRuntime, type RuntimeName } from "../../../node_daemon/runtime/mod.ts";

async function withOptions(body: (options: Parameters<typeof openRuntime>[1]) => Promise<void>): Promise<void> {
  const rootDir = await mkdtemp(join(tmpdir(), "wherry-runtime-"));
  await body({ rootDir, clock: systemClock, random: seededRandom(1), log: silentLogger });
  await rm(rootDir, { recursive: true });
}

type EngineOptions = Parameters<typeof openRuntime>[1] & { readonly lines: readonly string[] };

/** An engine on a socket; `asked` resolves with the first request. */
async function withEngine(
  answer: RequestListener,
  body: (options: EngineOptions, asked: Promise<unknown>) => Promise<void>,
): Promise<void> {
  await withOptions(async (options) => {
    const lines: string[] = [];
    const log = { ...silentLogger, warn: (message: string) => lines.push(message) };
    const engine = createServer(answer).listen(`${options.rootDir}/engine.sock`);
    await once(engine, "listening");
    try {
      const dockerHost = `unix://${options.rootDir}/engine.sock`;
      await body({ ...options, log, lines, dockerHost }, once(engine, "request"));
    } finally {
      engine.closeAllConnections();
      engine.close();
    }
  });
}

function answerAfter(clock: FakeClock, ms: number): RequestListener {
  return ({ url }, response) => {
    clock.schedule(ms, () => response.end(url === "/_ping" ? "OK" : '{"Version":"1.2.3"}'));
  };
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 20_000, interval: 5 }).toBe(true);
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
    await withEngine(
      () => {},
      async (options, asked) => {
        const clock = new FakeClock();
        const opening = openRuntime("auto", { ...options, clock });
        await asked;
        await until(() => clock.nextMs === 2000);
        await clock.advance(10_000);
        await using runtime = await opening;
        expect(runtime.name).toBe("process");
        expect(options.lines).toEqual(["Waiting for the container engine to answer"]);
      },
    );
  });

  it("openRuntime() opens the docker runtime for auto, when the engine takes nine seconds to answer", async () => {
    const clock = new FakeClock();
    await withEngine(answerAfter(clock, 9000), async (options, asked) => {
      const opening = openRuntime("auto", { ...options, clock });
      await asked;
      await until(() => clock.nextMs === 2000);
      await clock.advance(9000);
      // Asked for its version: the wait, its limit, and the engine's answer.
      await until(() => clock.pending === 3);
      await clock.advance(9000);
      await using runtime = await opening;
      expect(runtime.version).toBe("docker://1.2.3");
      expect(options.lines).toEqual(Array(2).fill("Waiting for the container engine to answer"));
    });
  });

  it("openRuntime() gives up on the engine that was asked for, when it has not answered for half a minute", async () => {
    await withEngine(
      () => {},
      async (options, asked) => {
        const clock = new FakeClock();
        const opening = openRuntime("docker", { ...options, clock });
        const failure = opening.catch((error: unknown) => error);
        await asked;
        await clock.advance(29_999);
        expect(await Promise.race([failure, "waits"])).toBe("waits");
        await clock.advance(1);
        expect(await failure).toMatchObject({
          message: `Cannot reach the container engine at ${options.dockerHost}: the container engine did not answer within 30 s`,
        });
      },
    );
  });

  it("openRuntime() waits no longer for a slow engine, when the start is aborted", async () => {
    await withEngine(
      () => {},
      async (options, asked) => {
        const stop = new AbortController();
        const opening = openRuntime("docker", { ...options, clock: new FakeClock(), signal: stop.signal });
        await asked;
        stop.abort(new Error("stopped"));
        await expect(opening).rejects.toThrow("stopped");
      },
    );
  });

  it("openRuntime() says at once where it looked for the engine, when nobody listens", async () => {
    await withOptions(async (options) => {
      const dockerHost = `unix://${options.rootDir}/none.sock`;
      await expect(openRuntime("docker", { ...options, dockerHost, clock: new FakeClock() })).rejects.toThrow(
        `Cannot reach the container engine at ${dockerHost}: connect ENOENT ${options.rootDir}/none.sock`,
      );
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
