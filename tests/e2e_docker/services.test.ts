import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../core/platform/clock.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { missing } from "../require.ts";
import { testImage } from "../suites/docker_image.ts";
import {
  type DockerCluster,
  httpGet,
  nodePortService,
  podName,
  podOf,
  startOnDocker,
  tally,
  webServers,
} from "./_cluster.ts";

describe.skipIf(missing("docker", await findDocker({ clock: systemClock })))("services in Docker", () => {
  let cluster: DockerCluster;
  beforeAll(async () => {
    cluster = await startOnDocker();
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  it("a service spreads requests evenly over its pods", async () => {
    await cluster.apply(
      webServers("web", { replicas: 3, word: "hello" }),
      nodePortService("web", { targetPort: 8080 }),
    );
    await cluster.ok(["rollout", "status", "deploy/web"]);
    const port = await cluster.nodePort("web");
    const answers: string[] = [];
    for (let sent = 0; sent < 12; sent++) answers.push(await httpGet(port));
    expect(tally(answers)).toEqual([4, 4, 4]);
    expect(answers[0]).toMatch(/^hello web-/);
  });

  it("a rolling update replaces the pods without a failed request", async () => {
    const port = await cluster.nodePort("web");
    await cluster.apply(webServers("web", { replicas: 3, word: "new" }));
    const rollout = cluster.start(["rollout", "status", "deploy/web"]);
    const answers: string[] = [];
    while (rollout.child.exitCode === null) answers.push(await httpGet(port));
    expect(rollout.output()).toContain("successfully rolled out");
    expect(new Set(answers.map((answer) => answer.split(" ")[0]))).toEqual(new Set(["hello", "new"]));
    expect(await httpGet(port)).toMatch(/^new /);
    expect((await cluster.ok(["rollout", "history", "deploy/web"])).trim().split("\n")).toHaveLength(4);
  });

  it("a UDP service spreads flows over its pods", async () => {
    // No program of busybox answers UDP: this one is run from the machine itself.
    const script =
      'import("node:dgram").then(({ createSocket }) => { const socket = createSocket("udp4"); socket.on("message", (text, { port, address }) => socket.send(process.env.POD_NAME + " " + text, port, address)); socket.bind(5353); process.on("SIGTERM", () => process.exit(0)); });';
    const evaluate = "Deno" in globalThis ? "eval" : "-e";
    const echo = {
      name: "main",
      image: testImage,
      command: ["chroot", "/host", process.execPath, evaluate, script],
      env: [podName],
      volumeMounts: [{ name: "machine", mountPath: "/host", readOnly: true }],
    };
    const labelled = (name: string) => {
      const { metadata, spec } = podOf(name, echo);
      const volumes = [{ name: "machine", hostPath: { path: "/" } }];
      return {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...metadata, labels: { app: "echo" } },
        spec: { ...spec, volumes },
      };
    };
    await cluster.apply(
      labelled("echo-0"),
      labelled("echo-1"),
      nodePortService("echo", { protocol: "UDP", targetPort: 5353 }),
    );
    await cluster.ready("echo-0");
    await cluster.ready("echo-1");
    const port = await cluster.nodePort("echo");
    await answered(port);
    const answers: string[] = [];
    for (let flow = 0; flow < 6; flow++) answers.push(await answered(port));
    expect(tally(answers)).toEqual([3, 3]);
    expect(answers[0]).toMatch(/^echo-\d hello$/);
  });
});

/** What comes back to a datagram that is sent, from one socket, until something does: UDP may lose any. */
async function answered(port: number): Promise<string> {
  const socket = createSocket("udp4");
  const retry = setInterval(() => socket.send("hello", port, "127.0.0.1"), 500);
  try {
    socket.send("hello", port, "127.0.0.1");
    const [message] = (await once(socket, "message")) as [Uint8Array];
    return new TextDecoder().decode(message);
  } finally {
    clearInterval(retry);
    socket.close();
  }
}
