import type Docker from "dockerode";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../core/platform/clock.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { missing } from "../require.ts";
import { engine, importBusybox, testImage } from "../suites/docker_image.ts";

const isMissing = missing("docker", await findDocker({ clock: systemClock }));

/** Runs a line of shell in a container that goes at the end of the test. */
async function run(script: string): Promise<Docker.Container> {
  await importBusybox();
  const container = await engine.createContainer({ Image: testImage, Cmd: ["sh", "-c", script], Tty: true });
  onTestFinished(() => container.remove({ force: true }));
  await container.start();
  return container;
}

// What all tests with Docker stand on. `.ci/run` runs this before the others: where it fails they all would, one after the other.
describe.skipIf(isMissing)("the Docker engine's network", () => {
  it("leads from one container to another, and from this machine to both", async () => {
    const server = await run("mkdir /www && echo hello >/www/index.html && exec httpd -f -h /www");
    const address = (await server.inspect()).NetworkSettings.Networks["bridge"]?.IPAddress;
    const url = `http://${address}/`;
    const ask = () => fetch(url).then((response) => response.text());
    await expect
      .poll(() => ask().catch(String), { message: `this machine asks a container at ${url}` })
      .toBe("hello\n");

    const other = await run(`printf "GET / HTTP/1.0\\r\\n\\r\\n" | nc -w 20 ${address} 80 | tail -n 1`);
    const { StatusCode: code } = await other.wait();
    const said = String(await other.logs({ stdout: true, stderr: true })).trim();
    expect({ code, said }, `a container asks another at ${url}`).toEqual({ code: 0, said: "hello" });
  });
});
