import { createSocket } from "node:dgram";
import { type AddressInfo, createServer } from "node:net";
import { decode, encode, type Packet, streamDecode, streamEncode } from "dns-packet";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { deferred } from "../../../core/util/deferred.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { Forwarder } from "../../../node_daemon/dns/forwarder.ts";
import { readQuery } from "../../../node_daemon/dns/message.ts";
import { createResponder } from "../../../node_daemon/dns/responder.ts";
import { lines, question, read, serviceOf, viewOf } from "./_world.ts";

interface Resolver extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Names that it was asked for, in order. */
  readonly asked: string[];
}

/** What is different about an answer; undefined for none. */
type Behaviour = (question: {
  readonly name: string;
  readonly count: number;
}) => Promise<Partial<Packet> | undefined> | Partial<Packet> | undefined;

/** A resolver that says 192.0.2.N the Nth time it is asked. */
async function resolver(behaviour: Behaviour = () => ({}), protocol: "UDP" | "TCP" = "UDP"): Promise<Resolver> {
  const asked: string[] = [];
  const answer = async ({ id = 0, questions = [] }: Packet): Promise<Packet | undefined> => {
    const name = questions[0]?.name ?? "";
    asked.push(name);
    const count = asked.length;
    const more = await behaviour({ name, count });
    const answers = [{ name, type: "A" as const, ttl: 60, data: `192.0.2.${count}` }];
    return more && { type: "response", id, flags: 0x0180, questions, answers, ...more };
  };
  const server = protocol === "UDP" ? await datagramServer(answer) : await streamServer(answer);
  return { address: "127.0.0.1", asked, ...server };
}

type Answering = (question: Packet) => Promise<Packet | undefined>;

async function datagramServer(answer: Answering) {
  const socket = createSocket("udp4");
  socket.on("message", async (bytes, { port, address }) => {
    const packet = await answer(decode(bytes));
    if (packet) socket.send(encode(packet), port, address);
  });
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  const close = () => new Promise<void>((resolve) => socket.close(() => resolve()));
  return { port: socket.address().port, [Symbol.asyncDispose]: close };
}

async function streamServer(answer: Answering) {
  const server = createServer((stream) => {
    stream.on("error", () => {});
    stream.on("data", async (bytes) => {
      const question = streamDecode(bytes);
      const packet = question && (await answer(question));
      if (packet) stream.write(streamEncode(packet));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

function forwarderTo(servers: readonly Resolver[], clock = new FakeClock()) {
  const forwarder = new Forwarder({ servers: async () => servers, clock, random: Math.random, log: silentLogger });
  const ask = async (name: string, protocol: "UDP" | "TCP" = "UDP", packet: object = {}) => {
    const message = question(name, "A", packet);
    const query = readQuery(message);
    if (!query || "refusal" in query) throw new Error("no question");
    return await forwarder.forward(query, message, protocol);
  };
  return { ask, clock, [Symbol.asyncDispose]: () => forwarder[Symbol.asyncDispose]() };
}

describe("questions for other names", () => {
  it.each(["UDP", "TCP"] as const)("are answered by the machine's resolver over %s", async (protocol) => {
    await using upstream = await resolver(() => ({}), protocol);
    await using forwarder = forwarderTo([upstream]);
    const answer = read(await forwarder.ask("WWW.example.org", protocol));
    expect(answer).toMatchObject({ id: 4711, rcode: "NOERROR", flag_aa: false });
    expect(lines(answer.answers)).toEqual(["WWW.example.org A 192.0.2.1"]);
    expect(upstream.asked).toEqual(["WWW.example.org"]);
  });

  it("are not asked again for 30 seconds, whatever the case of the name, and the time left is told", async () => {
    await using upstream = await resolver();
    await using forwarder = forwarderTo([upstream]);
    await forwarder.ask("www.example.org");
    await forwarder.clock.advance(29_000);
    const answer = read(await forwarder.ask("www.EXAMPLE.org", "UDP", { id: 7 }));
    expect(answer).toMatchObject({ id: 7, questions: [{ name: "www.EXAMPLE.org" }], answers: [{ ttl: 31 }] });
    expect(upstream.asked).toHaveLength(1);
    await forwarder.clock.advance(1000);
    expect(lines(read(await forwarder.ask("www.example.org")).answers)).toEqual(["www.example.org A 192.0.2.2"]);
  });

  it.each([
    ["cut short", { flags: 0x0380 }],
    ["failures", { flags: 0x0182, answers: [] }],
    ["without a time", { answers: [] }],
  ])("are asked again when answers were %s", async (_, more) => {
    await using upstream = await resolver(() => more);
    await using forwarder = forwarderTo([upstream]);
    await forwarder.ask("www.example.org");
    const before = upstream.asked.length;
    await forwarder.ask("www.example.org");
    expect(upstream.asked.length).toBe(2 * before);
  });

  it("wait for the same answer while one is under way, so that one sent back to us goes round no second time", async () => {
    const held = deferred();
    await using upstream = await resolver(async () => {
      await held.promise;
      return {};
    });
    await using forwarder = forwarderTo([upstream]);
    const answers = [1, 2, 3].map((id) => forwarder.ask("www.example.org", "UDP", { id }));
    await expect.poll(() => upstream.asked.length).toBe(1);
    held.resolve();
    expect((await Promise.all(answers)).map((bytes) => read(bytes).id)).toEqual([1, 2, 3]);
    expect(upstream.asked).toHaveLength(1);
  });

  it("go to the next resolver when one refuses, fails, or says nothing for two seconds", async () => {
    await using refusing = await resolver(() => ({ flags: 0x0185, answers: [] }));
    await using silent = await resolver(() => undefined);
    await using good = await resolver();
    await using forwarder = forwarderTo([refusing, silent, good]);
    const answer = forwarder.ask("www.example.org");
    await expect.poll(() => silent.asked.length).toBe(1);
    await forwarder.clock.advance(2000);
    expect(lines(read(await answer).answers)).toEqual(["www.example.org A 192.0.2.1"]);
  });

  it("fail when nobody answers within 4.5 seconds", async () => {
    await using silent = await resolver(() => undefined);
    await using forwarder = forwarderTo([silent, silent, silent, silent]);
    const answer = forwarder.ask("www.example.org");
    for (const count of [1, 2, 3]) {
      await expect.poll(() => silent.asked.length).toBe(count);
      await forwarder.clock.advance(2000);
    }
    expect(await answer).toBeUndefined();
    expect(silent.asked).toHaveLength(3);
  });

  it("believe no answer to another question", async () => {
    await using upstream = await resolver(({ count }) =>
      count === 1 ? { questions: [{ name: "evil.org", type: "A" }] } : {},
    );
    await using forwarder = forwarderTo([upstream]);
    const answer = forwarder.ask("www.example.org");
    await expect.poll(() => upstream.asked.length).toBe(1);
    await forwarder.clock.advance(2000);
    expect(lines(read(await answer).answers)).toEqual(["www.example.org A 192.0.2.2"]);
  });

  it("fail at once where the machine has no resolver", async () => {
    await using forwarder = forwarderTo([]);
    expect(await forwarder.ask("www.example.org")).toBeUndefined();
  });
});

describe("services of names outside", () => {
  it("come with the addresses that other servers know", async () => {
    await using upstream = await resolver();
    await using forwarder = new Forwarder({
      servers: async () => [upstream],
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
    });
    const respond = createResponder({
      view: viewOf([serviceOf("out", { type: "ExternalName", externalName: "www.example.org" })]),
      domain: ["cluster", "local"],
      servers: () => [],
      forwarder,
      clock: systemClock,
      random: Math.random,
    });
    const { answers } = read(await respond(question("out.shop.svc.cluster.local", "A"), "UDP"));
    expect(lines(answers)).toEqual(["out.shop.svc.cluster.local CNAME www.example.org", "www.example.org A 192.0.2.1"]);
  });
});
