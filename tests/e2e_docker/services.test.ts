import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { service } from "../../core/kinds/service.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { eventually } from "../e2e/harness.ts";
import { serviceOf } from "../e2e/manifests.ts";
import { ask, askUdp, shares } from "../e2e/traffic.ts";
import { missing } from "../require.ts";
import { testImage } from "../suites/docker_image.ts";
import {
  type DockerCluster,
  dockerFolder,
  podName,
  podOf,
  shell,
  startOnDocker,
  stay,
  webServers,
} from "./_cluster.ts";

describe.skipIf(missing("docker", await findDocker({ clock: systemClock })))("services in Docker", () => {
  const folder = dockerFolder();
  let cluster: DockerCluster;
  beforeAll(async () => {
    cluster = await startOnDocker(folder.path);
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it("a service spreads requests evenly over its pods", async () => {
    await cluster.apply(webServers("web", 3, "hello"), serviceOf("web", { type: "NodePort" }));
    await cluster.ok("rollout", "status", "deploy/web");
    const port = await cluster.nodePort("web");
    // The proxy hears of endpoints after they are there.
    await eventually("three pods answered", async () => {
      const heard = new Set<string>();
      for (let sent = 0; sent < 3; sent++) heard.add(await ask(cluster.nodePortAddress, port).catch(() => ""));
      return heard.size === 3 && !heard.has("") ? heard : undefined;
    });
    const answers: string[] = [];
    for (let sent = 0; sent < 12; sent++) answers.push(await ask(cluster.nodePortAddress, port));
    expect(shares(answers)).toEqual([4, 4, 4]);
    expect(answers[0]).toMatch(/^hello web-/);
  });

  it("a container reaches a service at its cluster IP, when the machine's routes may be changed", async (context) => {
    const { spec } = await cluster.client.get(service, { namespace: "default", name: "web" });
    context.skip(
      spec?.clusterIP?.startsWith("127.") === true,
      "without the right to change routes services are on loopback",
    );
    await cluster.apply(podOf("client", [shell(stay)]));
    await cluster.ready("client");
    expect(
      await cluster.ok("exec", "client", "--", "sh", "-c", "wget -qO- $WEB_SERVICE_HOST:$WEB_SERVICE_PORT"),
    ).toMatch(/^hello web-/);
  });

  it("a container finds services and pods by their names, when the machine's routes may be changed", async (context) => {
    const { spec } = await cluster.client.get(service, { namespace: "default", name: "web" });
    context.skip(spec?.clusterIP?.startsWith("127.") === true, "containers do not reach the node's loopback addresses");
    await cluster.apply(
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "named" },
        spec: { clusterIP: "None", selector: { app: "first" } },
      },
      podOf("first", [shell(stay)], {
        hostname: "first",
        subdomain: "named",
        setHostnameAsFQDN: true,
        dnsConfig: { searches: ["example.org"], options: [{ name: "ndots", value: "3" }] },
      }),
    );
    const { status } = await cluster.ready("first");
    const exec = (...command: readonly string[]) => cluster.ok("exec", "first", "--", ...command);
    expect(await exec("wget", "-qO-", "http://web")).toMatch(/^hello web-/);
    expect(await exec("nslookup", "web.default.svc.cluster.local")).toContain(`Address: ${spec?.clusterIP}\n`);
    await eventually("the pod's own name is known", async () =>
      (
        await cluster.wherry("exec", "first", "--", "nslookup", "first.named.default.svc.cluster.local")
      ).stdout.includes(`Address: ${status?.podIP}\n`)
        ? true
        : undefined,
    );
    expect(await exec("hostname")).toBe("first.named.default.svc.cluster.local\n");
    expect(await exec("cat", "/etc/resolv.conf")).toMatch(
      /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local .*example\.org\nnameserver 10\.\S+\noptions ndots:3\n$/,
    );
  });

  it("a rolling update replaces the pods without a failed request", async () => {
    const port = await cluster.nodePort("web");
    await cluster.apply(webServers("web", 3, "new"));
    const rollout = cluster.follow("rollout", "status", "deploy/web");
    const words = new Set<string | undefined>();
    while (rollout.child.exitCode === null) words.add((await ask(cluster.nodePortAddress, port)).split(" ")[0]);
    expect(rollout.output()).toContain("successfully rolled out");
    expect(words).toEqual(new Set(["hello", "new"]));
    await expect.poll(() => ask(cluster.nodePortAddress, port)).toMatch(/^new /);
    expect(await cluster.ok("rollout", "history", "deploy/web")).toMatch(/^1 .*\n2 /m);
  });

  it("a UDP service spreads flows over its pods", async () => {
    // No program of busybox answers UDP: this one is run by the machine's own Node or Deno.
    const script = `
      import("node:dgram").then(({ createSocket }) => {
        const socket = createSocket("udp4");
        socket.on("message", (text, { port, address }) => socket.send(process.env.POD_NAME + ": " + text, port, address));
        socket.bind(5353);
        process.on("SIGTERM", () => process.exit(0));
      });`;
    const echo = {
      name: "main",
      image: testImage,
      command: ["chroot", "/host", process.execPath, "Deno" in globalThis ? "eval" : "-e", script],
      env: [podName],
      volumeMounts: [{ name: "machine", mountPath: "/host", readOnly: true }],
    };
    const volumes = [{ name: "machine", hostPath: { path: "/" } }];
    const replicas = ["echo-0", "echo-1"].map((name) => ({
      ...podOf(name, [echo], { volumes }),
      metadata: { name, labels: { app: "echo" } },
    }));
    const ports = [{ protocol: "UDP", port: 53, targetPort: 5353 }];
    await cluster.apply(...replicas, serviceOf("echo", { type: "NodePort", ports }));
    const port = await cluster.nodePort("echo");
    const answer = () => eventually("a datagram was answered", () => askUdp(cluster.nodePortAddress, port, "hello"));
    await eventually("both pods answered", async () =>
      new Set([await answer(), await answer()]).size === 2 ? true : undefined,
    );
    const answers: string[] = [];
    for (let flow = 0; flow < 6; flow++) answers.push(await answer());
    expect(shares(answers)).toEqual([3, 3]);
    expect(answers[0]).toMatch(/^echo-\d: hello$/);
  });
});
