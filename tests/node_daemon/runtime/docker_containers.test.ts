import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { deferred } from "../../../core/util/deferred.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { DockerContainers } from "../../../node_daemon/runtime/docker_containers.ts";
import { DockerEngine } from "../../../node_daemon/runtime/docker_engine.ts";
import { engineEvents } from "../../../node_daemon/runtime/docker_events.ts";

const { signal } = new AbortController();
const labelsOf = (podUid: string, kind: string, sandboxId = "") => ({
  "wherry.dev/pod-uid": podUid,
  "wherry.dev/kind": kind,
  "wherry.dev/sandbox-id": sandboxId,
});
type Labels = ReturnType<typeof labelsOf>;

/** An engine that only lists containers and tells of them. */
async function openEngine(containers: Map<string, Labels>) {
  const folder = await mkdtemp(join(tmpdir(), "wherry-engine-"));
  const socketPath = join(folder, "docker.sock");
  let stream: ServerResponse | undefined;
  const engine = { lists: 0, beforeList: Promise.resolve() };
  const server = createServer(async ({ url = "" }, response) => {
    if (url.startsWith("/events")) {
      stream = response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      return;
    }
    engine.lists++;
    const { label } = JSON.parse(new URL(url, "http://engine").searchParams.get("filters") ?? "{}");
    const found = [...containers].filter(([, labels]) =>
      label.every((one: string) =>
        one.startsWith("wherry.dev/node=") || one.startsWith("wherry.dev/root-dir=")
          ? true
          : Object.entries(labels).some(([name, value]) => one === `${name}=${value}`),
      ),
    );
    const body = JSON.stringify(found.map(([Id, Labels]) => ({ Id, Labels })));
    await engine.beforeList;
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  onTestFinished(async () => {
    stream?.destroy();
    server.close();
    await rm(folder, { recursive: true });
  });
  return {
    engine,
    real: new DockerEngine(new Docker({ socketPath }), { clock: systemClock, log: silentLogger }),
    tell(Action: string, ID: string) {
      stream?.write(
        `${JSON.stringify({ Action, Actor: { ID, Attributes: containers.get(ID) ?? labelsOf("", "") } })}\n`,
      );
    },
    cut: () => stream?.destroy(),
  };
}

it("DockerContainers ask the engine for a pod's containers while nobody tells of them, and not while its events are followed", async () => {
  const standing = new Map([
    ["s1", labelsOf("u1", "sandbox")],
    ["c1", labelsOf("u1", "container", "s1")],
    ["c2", labelsOf("u2", "container", "s2")],
  ]);
  const { engine, real, tell, cut } = await openEngine(standing);
  const containers = new DockerContainers(real, { nodeName: "node", rootDir: "/root" });
  expect(await containers.ofPod("u1", "container", signal)).toEqual(["c1"]);
  expect(await containers.inSandbox("s1", signal)).toEqual(["c1"]);
  expect(engine.lists).toBe(2);

  const done = new AbortController();
  onTestFinished(() => done.abort());
  const listed = deferred();
  engine.beforeList = listed.promise;
  const events = engineEvents(real, containers, { signal: done.signal });
  const next = events.next();
  await expect.poll(() => engine.lists).toBe(3);
  // What comes and goes while all are listed is not forgotten over the list.
  containers.made("c3", labelsOf("u1", "container", "s1"));
  containers.removed("c1");
  listed.resolve();
  standing.set("c4", labelsOf("u1", "container", "s1"));
  tell("create", "c4");
  expect(await next).toMatchObject({ value: { podUid: "u1" } });
  expect(await containers.ofPod("u1", "container", signal)).toEqual(["c3", "c4"]);
  expect(await containers.ofPod("u1", "sandbox", signal)).toEqual(["s1"]);
  expect(await containers.inSandbox("s1", signal)).toEqual(["c3", "c4"]);
  expect(await containers.ofPod("nobody", "container", signal)).toEqual([]);
  tell("destroy", "c4");
  await events.next();
  expect(await containers.ofPod("u1", "container", signal)).toEqual(["c3"]);
  expect(engine.lists).toBe(3);

  standing.delete("c4");
  cut();
  // Whatever happened meanwhile, every pod hears of it.
  const woken = [(await events.next()).value?.podUid, (await events.next()).value?.podUid];
  expect(woken.sort()).toEqual(["u1", "u2"]);
  expect(engine.lists).toBe(4);
  expect(await containers.ofPod("u1", "container", signal)).toEqual(["c1"]);
  expect(engine.lists).toBe(4);
});
