import { encode } from "dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { readAnswer, readQuery } from "../../../node_daemon/dns/message.ts";
import { createResponder } from "../../../node_daemon/dns/responder.ts";
import {
  addressRecord,
  answerLimit,
  type ResourceRecord,
  writeResponse,
} from "../../../node_daemon/dns/write_message.ts";
import { cpuMsOf } from "../../cpu_time.ts";
import { question, read, serviceOf, viewOf } from "./_world.ts";

const respond = createResponder({
  view: viewOf([serviceOf("web", { clusterIP: "10.96.0.20" })]),
  domain: ["cluster", "local"],
  servers: () => [],
  forwarder: { forward: async () => undefined },
  clock: new FakeClock(),
  random: () => 0,
});

const web = "web.shop.svc.cluster.local";

function queryOf(bytes: Uint8Array) {
  const query = readQuery(bytes);
  if (!query || "refusal" in query) throw new Error("no question");
  return query;
}

function written(bytes: Uint8Array, answers: readonly ResourceRecord[], protocol: "UDP" | "TCP" = "UDP") {
  const query = queryOf(bytes);
  return writeResponse(query, { code: 0, isAuthoritative: true, answers }, answerLimit(query, protocol));
}

const label = fc.string({ unit: fc.constantFrom(..."abcdefghij-0123"), minLength: 1, maxLength: 20 });
const name = fc.array(label, { minLength: 1, maxLength: 6 });
const record = fc.oneof(
  fc
    .record({ name, address: fc.uint8Array({ minLength: 4, maxLength: 4 }) })
    .map((one) => addressRecord(one.name, 5, one.address)),
  fc.record({ name, target: name }).map((one) => ({ name: one.name, type: 5, ttl: 5, data: [one.target] })),
  fc.record({ name, target: name }).map((one) => ({ name: one.name, type: 12, ttl: 5, data: [one.target] })),
);

describe("messages", () => {
  it("are read by others as they were written, names shortened or not", () => {
    fc.assert(
      fc.property(name, fc.array(record, { maxLength: 40 }), (asked, records) => {
        const { answers = [], flag_tc } = read(written(question(asked.join("."), "A"), records, "TCP"));
        expect(flag_tc).toBe(false);
        const found = answers.map((one) => `${one.name} ${one.type} ${"data" in one ? String(one.data) : ""}`);
        const wanted = records.map(({ name, type, data: [data] }) => {
          const text = type === 1 ? Array.from(data as Uint8Array).join(".") : (data as readonly string[]).join(".");
          return `${name.join(".")} ${type === 1 ? "A" : type === 5 ? "CNAME" : "PTR"} ${text}`;
        });
        expect(found).toEqual(wanted);
      }),
    );
  });

  it("hold the 29 addresses that fit into a datagram, and say that there are more", () => {
    const records = Array.from({ length: 60 }, (_, at) =>
      addressRecord(web.split("."), 5, Uint8Array.of(10, 1, 0, at)),
    );
    const bytes = written(question(web, "A"), records);
    expect(bytes.length).toBeLessThanOrEqual(512);
    const { answers, flag_tc } = read(bytes);
    expect([answers?.length, flag_tc]).toEqual([29, true]);
    expect(read(written(question(web, "A"), records, "TCP"))).toMatchObject({ flag_tc: false });
  });

  it("grow to what the client takes, but not beyond what one packet carries", () => {
    const records = Array.from({ length: 200 }, (_, at) =>
      addressRecord(web.split("."), 5, Uint8Array.of(10, 1, 0, at)),
    );
    const sizeWith = (udpPayloadSize: number) => {
      const opt = {
        type: "OPT",
        name: ".",
        udpPayloadSize,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      };
      return written(question(web, "A", { additionals: [opt as never] }), records).length;
    };
    expect(sizeWith(100)).toBeLessThanOrEqual(512);
    expect(sizeWith(100)).toBeGreaterThan(480);
    expect(sizeWith(1000)).toBeGreaterThan(950);
    expect(sizeWith(1000)).toBeLessThanOrEqual(1000);
    expect(sizeWith(65_535)).toBeGreaterThan(1180);
    expect(sizeWith(65_535)).toBeLessThanOrEqual(1232);
  });

  it.each([
    ["is an answer", (bytes: Buffer) => bytes.writeUInt16BE(0x8180, 2), undefined],
    ["is shorter than a header", undefined, undefined],
    ["asks for a transfer of the zone", (bytes: Buffer) => bytes.writeUInt16BE(252, bytes.length - 4), "REFUSED"],
    ["is of another class", (bytes: Buffer) => bytes.writeUInt16BE(3, bytes.length - 2), "REFUSED"],
    ["is no question but an update", (bytes: Buffer) => bytes.writeUInt16BE(5 << 11, 2), "NOTIMP"],
    ["has two questions", (bytes: Buffer) => bytes.writeUInt16BE(2, 4), "FORMERR"],
    ["has none", (bytes: Buffer) => bytes.writeUInt16BE(0, 4), "FORMERR"],
    ["promises records that it does not have", (bytes: Buffer) => bytes.writeUInt16BE(9, 6), "FORMERR"],
    ["has a name that points to itself", (bytes: Buffer) => bytes.writeUInt16BE(0xc00c, 12), "FORMERR"],
    ["has a name that points ahead", (bytes: Buffer) => bytes.writeUInt16BE(0xc0ff, 12), "FORMERR"],
    ["has a label of a kind that nobody knows", (bytes: Buffer) => bytes.writeUInt8(0x81, 12), "FORMERR"],
    ["ends within its name", (bytes: Buffer) => bytes.writeUInt8(63, 12), "FORMERR"],
  ])("one that %s gets %3$s", async (_, change, code) => {
    const bytes = Buffer.from(question(web, "A"));
    change?.(bytes);
    const answer = await respond(change ? bytes : bytes.subarray(0, 11), "UDP");
    expect(answer && read(answer).rcode).toBe(code);
  });

  it("one in a version of EDNS to come gets BADVERS", async () => {
    const opt = {
      type: "OPT",
      name: ".",
      udpPayloadSize: 1232,
      extendedRcode: 0,
      ednsVersion: 1,
      flags: 0,
      flag_do: false,
      options: [],
    };
    const { rcode, additionals } = read(await respond(question(web, "A", { additionals: [opt as never] }), "UDP"));
    expect(rcode).toBe("NOERROR");
    expect(additionals).toMatchObject([{ type: "OPT", extendedRcode: 1, ednsVersion: 0 }]);
  });

  it("of any bytes are answered with a message or not at all, and never twice as large as they may be", async () => {
    const base = Buffer.from(question(web, "A"));
    const bent = fc
      .tuple(
        fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 80 }),
      )
      .map(([changes, tail]) => {
        const bytes = Buffer.concat([base, tail]);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(bent, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
        const answer = await respond(bytes, "UDP");
        if (!answer) return;
        expect(answer.length).toBeLessThanOrEqual(1232);
        expect([...answer.subarray(0, 2)]).toEqual([...bytes.subarray(0, 2)]);
        expect((answer[2] ?? 0) & 0x80).toBe(0x80);
        readAnswer(bytes);
      }),
    );
  });

  it("of 64 KiB full of names that point to each other are refused in no time", async () => {
    // Each pointer leads to the one before it: read anew for every record, the work would be quadratic.
    const bytes = Buffer.alloc(65_535);
    Buffer.from(question(web, "A")).copy(bytes);
    const start = question(web, "A").length;
    const records = Math.floor((bytes.length - start) / 12);
    bytes.writeUInt16BE(records, 6);
    for (let index = 0; index < records; index++) {
      const at = start + 12 * index;
      bytes.writeUInt16BE(0xc000 | (index === 0 ? 12 : Math.min(at - 12, 0x3fff)), at);
      bytes.writeUInt16BE(5, at + 2);
    }
    const cpuMs = await cpuMsOf(async () => {
      await respond(bytes, "TCP");
      readAnswer(bytes);
    });
    expect(cpuMs).toBeLessThan(1000);
  });

  it("of others are read for their addresses and aliases", () => {
    const bytes = encode({
      type: "response",
      id: 1,
      questions: [{ name: "www.example.org", type: "A", class: "IN" }],
      answers: [
        { name: "www.example.org", type: "CNAME", ttl: 60, data: "host.example.org" },
        { name: "host.example.org", type: "A", ttl: 30, data: "192.0.2.1" },
        { name: "host.example.org", type: "TXT", ttl: 30, data: "not this" },
      ],
    });
    expect(readAnswer(bytes)).toEqual({
      code: 0,
      records: [
        { name: ["www", "example", "org"], type: 5, ttl: 60, data: ["host", "example", "org"] },
        { name: ["host", "example", "org"], type: 1, ttl: 30, data: Buffer.of(192, 0, 2, 1) },
      ],
    });
  });
});
