import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { encode, type Packet, streamDecode, streamEncode } from "dns-packet";
import { describe, expect, it } from "vitest";
import { endpointSlice } from "../../../core/kinds/endpoint_slice.ts";
import { namespace as namespaceKind } from "../../../core/kinds/namespace.ts";
import { service } from "../../../core/kinds/service.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { type NodeOptions, startNode } from "../../../node_daemon/node.ts";
import { openTestNode, type TestNode } from "../kubelet/cluster.ts";
import { lines, question, read, serviceOf, sliceOf } from "./_world.ts";

const own = "kube-dns.kube-system.svc.cluster.local";
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === "::1"));
/** Whoever runs the tests may listen there. */
const port = 15_353;

/** A node daemon over a fake runtime, in a cluster whose `kube-dns` has an address that no other test has. */
async function openWorld() {
  const world = await openTestNode(undefined, { kubelet: false });
  const [second, third] = [1, 2].map(() => 16 + Math.floor(Math.random() * 200));
  const address = `127.${second}.${third}.10`;
  for (const name of ["kube-system", "shop", "kube-node-lease"])
    await world.client.create(namespaceKind, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  const dns = serviceOf("kube-dns", {
    clusterIP: address,
    clusterIPs: [address],
    ports: [{ name: "dns", port: 53, protocol: "UDP" }],
  });
  await world.client.create(service, { ...dns, metadata: { namespace: "kube-system", name: "kube-dns" } });
  return { world, address, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

function start(world: TestNode, more: Partial<NodeOptions> = {}) {
  return startNode({
    client: world.client,
    nodeName: "node-1",
    nodeIPs: ["127.0.0.1"],
    rootDir: world.rootDir,
    runtime: world.runtime,
    proxy: false,
    dns: { port },
    clock: world.clock,
    random: Math.random,
    log: silentLogger,
    ...more,
  });
}

function askUdp(address: string, message: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    socket.on("error", reject);
    socket.on("message", (bytes) => socket.close(() => resolve(bytes)));
    socket.send(message, port, address);
  });
}

/** Sends questions through one connection, and resolves with as many answers. */
function askTcp(address: string, questions: readonly Packet[]): Promise<readonly Packet[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address);
    let rest = Buffer.alloc(0);
    const answers: Packet[] = [];
    socket.on("error", reject);
    socket.on("data", (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0);
        const answer = streamDecode(rest.subarray(0, end));
        if (answer) answers.push(answer);
        rest = rest.subarray(end);
      }
      if (answers.length < questions.length) return;
      socket.destroy();
      resolve(answers);
    });
    socket.write(Buffer.concat(questions.map((one) => streamEncode(one))));
  });
}

const packet = (name: string, id: number): Packet => ({
  type: "query",
  id,
  flags: 0x0100,
  questions: [{ name, type: "A" }],
});
const web = "web.shop.svc.cluster.local";

describe("a node's DNS", () => {
  it("answers over UDP and TCP, and follows services and their endpoints", async () => {
    await using opened = await openWorld();
    const { world, address } = opened;
    await using _daemon = await start(world);
    const ask = async () => {
      const { rcode, answers } = read(await askUdp(address, question(web, "A")));
      return rcode === "NOERROR" ? lines(answers) : rcode;
    };
    expect(await ask()).toBe("NXDOMAIN");
    await world.client.create(service, serviceOf("web", { clusterIP: "None", ports: [{ name: "http", port: 80 }] }));
    expect(await ask()).toBe("NXDOMAIN");
    const endpoints = Array.from({ length: 60 }, (_, at) => ({ addresses: [`10.1.0.${at}`] }));
    const slice = await world.client.create(
      endpointSlice,
      sliceOf("web", { endpoints: endpoints.slice(0, 1), ports: [] }),
    );
    await expect.poll(ask).toEqual([`${web} A 10.1.0.0`]);
    await world.client.update(endpointSlice, { ...slice, endpoints });
    await expect.poll(ask).toHaveLength(29);
    expect(read(await askUdp(address, question(web, "A")))).toMatchObject({ flag_tc: true });
    const answers = await askTcp(address, [
      packet(web, 1),
      packet("kubernetes.nowhere.svc.cluster.local", 2),
      packet(web, 3),
    ]);
    expect(answers.map(({ id, answers }) => [id, answers?.length])).toEqual([
      [1, 60],
      [2, 0],
      [3, 60],
    ]);
  });

  it.skipIf(!hasIPv6)("answers at the addresses of both families", async () => {
    await using opened = await openWorld();
    const { world, address } = opened;
    const key = { namespace: "kube-system", name: "kube-dns" };
    const found = await world.client.get(service, key);
    const spec = { ...found.spec, clusterIPs: [address, "::1"], ipFamilies: ["IPv4" as const, "IPv6" as const] };
    await world.client.update(service, { ...found, spec: { ...spec, ipFamilyPolicy: "RequireDualStack" } });
    await using _daemon = await start(world);
    const answers = [await askUdp(address, question(own, "AAAA")), await askUdp("::1", question(own, "AAAA"))];
    for (const bytes of answers) expect(lines(read(bytes).answers)).toEqual([`${own} AAAA ::1`]);
    const [stream] = await askTcp("::1", [{ type: "query", id: 9, questions: [{ name: own, type: "A" }] }]);
    expect(stream?.answers).toHaveLength(1);
  });

  it("is left to the pods that kube-dns selects, once it selects some", async () => {
    await using opened = await openWorld();
    const { world, address } = opened;
    await using _daemon = await start(world);
    await askUdp(address, question(web, "A"));
    const key = { namespace: "kube-system", name: "kube-dns" };
    await world.client.patch(service, key, { type: "merge", body: { spec: { selector: { "k8s-app": "coredns" } } } });
    await expect
      .poll(() => askTcp(address, [packet(web, 1)]).catch((error: { code: string }) => error.code))
      .toBe("ECONNREFUSED");
  });

  it("is taken over by another daemon of the machine when the first ends", async () => {
    await using opened = await openWorld();
    const { world, address } = opened;
    const first = await start(world);
    await using _second = await start(world, { nodeName: "node-2", rootDir: `${world.rootDir}/second` });
    await askUdp(address, question(web, "A"));
    await first[Symbol.asyncDispose]();
    await expect
      .poll(async () => {
        await world.clock.advance(10_000);
        return await askTcp(address, [packet(web, 1)]).then(
          ([answer]) => answer?.type,
          () => undefined,
        );
      })
      .toBe("response");
  });

  it("closes connections on which nothing comes for ten seconds", async () => {
    await using opened = await openWorld();
    const { world, address } = opened;
    await using _daemon = await start(world);
    const socket = connect(port, address);
    // Deno says of a connection that was closed that it was reset.
    socket.on("error", () => {});
    await new Promise((resolve) => socket.once("connect", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(encode(packet(web, 1)).subarray(0, 1));
    await expect
      .poll(async () => {
        await world.clock.advance(10_000);
        return socket.destroyed || socket.readableEnded;
      })
      .toBe(true);
    socket.destroy();
    await closed;
  });
});
