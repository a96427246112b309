import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTar, TarError, type TarHeader, tarEnd, tarHeader, tarPadding } from "../../../core/util/tar.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const plain: TarHeader = {
  name: "a",
  type: "file",
  size: 0,
  mode: 0o644,
  uid: 0,
  gid: 0,
  linkName: "",
  modified: 0,
};

/** An archive of those entries, without its end. */
function archive(entries: readonly (Partial<TarHeader> & { readonly text?: string })[]): Uint8Array {
  return Buffer.concat(
    entries.flatMap(({ text = "", ...header }) => {
      const content = encode(text);
      return [tarHeader({ ...plain, size: content.length, ...header }), content, tarPadding(content.length)];
    }),
  );
}

async function* inPieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What an archive has, with the contents as text. */
async function read(bytes: Uint8Array, size?: number): Promise<(TarHeader & { readonly text: string })[]> {
  const found: (TarHeader & { readonly text: string })[] = [];
  for await (const { content, ...header } of readTar(inPieces(bytes, size))) {
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(piece);
    found.push({ ...header, text: Buffer.concat(pieces).toString() });
  }
  return found;
}

const whole = (...parts: readonly Uint8Array[]) => Buffer.concat([...parts, tarEnd]);

/** A header with other bytes at one place, and the checksum that fits them. */
function changed(header: Uint8Array, at: number, text: string): Uint8Array {
  const bytes = Uint8Array.from(header);
  bytes.set(encode(text), at);
  bytes.fill(32, 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.set(encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return bytes;
}

/** A pax header with those records. */
function pax(records: string, flag = "x"): Uint8Array {
  const header = changed(tarHeader({ ...plain, name: "pax", size: encode(records).length }), 156, flag);
  return Buffer.concat([header, encode(records), tarPadding(encode(records).length)]);
}

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = encode(rest).length;
  const digits = String(length + String(length).length).length;
  return `${length + digits}${rest}`;
}

describe("readTar()", () => {
  it("gives what tarHeader() wrote, however the bytes are cut", async () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 }).filter((text) => !/\0|\/$/.test(text));
    const number = fc.integer({ min: 0, max: 2 ** 40 });
    const file = fc.record({ name, text: fc.string({ maxLength: 2000 }), uid: number, gid: number, modified: number });
    const entries = fc.array(file, { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 1, max: 3000 }), async (files, size) => {
        const found = await read(whole(archive(files)), size);
        expect(found).toEqual(files.map((one) => ({ ...plain, ...one, size: encode(one.text).length })));
      }),
      { numRuns: 50 },
    );
  });

  it("gives links, folders and sizes beyond what digits can say", async () => {
    const long = "x".repeat(150);
    expect(
      await read(
        whole(
          archive([
            { name: "d/", type: "folder" },
            { type: "symlink", linkName: long },
            { type: "hardlink", linkName: "b" },
          ]),
        ),
      ),
    ).toMatchObject([{ type: "folder" }, { type: "symlink", linkName: long }, { type: "hardlink", linkName: "b" }]);
    const huge = readTar(inPieces(tarHeader({ ...plain, size: 2 ** 40 })));
    expect((await huge.next()).value).toMatchObject({ size: 2 ** 40 });
  });

  it("reads pax names and the prefix of ustar, and nothing of what a global header says", async () => {
    const ustar = changed(changed(tarHeader(plain), 257, "ustar\x0000"), 345, "folder");
    const named = Buffer.concat([pax(record("path", "ä/__proto__") + record("mtime", "1.5")), tarHeader(plain)]);
    const global = Buffer.concat([pax(record("path", "evil"), "g"), tarHeader(plain)]);
    const names = (await read(whole(ustar, named, global))).map(({ name }) => name);
    expect(names).toEqual(["folder/a", "ä/__proto__", "a"]);
  });

  it("passes over content that nobody reads, and reads its source to the end", async () => {
    let ended = false;
    const source = async function* () {
      yield* inPieces(whole(archive([{ name: "a", text: "x".repeat(3000) }, { name: "b" }]), new Uint8Array(10_240)));
      ended = true;
    };
    const names: string[] = [];
    for await (const { name } of readTar(source())) names.push(name);
    expect([names, ended]).toEqual([["a", "b"], true]);
  });

  it("lets go of its source when nobody wants more", async () => {
    let closed = false;
    const source = async function* () {
      try {
        yield* inPieces(whole(archive([{ text: "x".repeat(3000) }])));
      } finally {
        closed = true;
      }
    };
    for await (const _entry of readTar(source())) break;
    expect(closed).toBe(true);
  });

  it.each([
    ["is no archive", encode("x".repeat(600))],
    ["has a wrong checksum", Uint8Array.from(tarHeader(plain), (byte, at) => (at === 0 ? byte + 1 : byte))],
    ["has no end", archive([{ text: "a" }])],
    ["is cut in a content", archive([{ text: "x".repeat(600) }]).subarray(0, 700)],
    ["is cut in a header", tarHeader(plain).subarray(0, 100)],
    ["is empty", new Uint8Array(0)],
    ["has a size that is no number", whole(changed(tarHeader(plain), 124, "9999"))],
    ["has a negative size", whole(changed(tarHeader(plain), 124, "\x7f-1"))],
    ["has a size that no number can hold", whole(pax(record("size", "9".repeat(30))), tarHeader(plain))],
    ["has a pax record longer than its header", whole(pax("99 path=a\n"), tarHeader(plain))],
    ["has a pax record of no length", whole(pax("0 path=a\n"), tarHeader(plain))],
    ["has a pax record without an end", whole(pax("9 path=a"), tarHeader(plain))],
    ["has a pax name with a zero in it", whole(pax(record("path", "a\0b")), tarHeader(plain))],
    ["is sparse in pax", whole(pax(record("GNU.sparse.major", "1")), tarHeader(plain))],
    ["is sparse", whole(changed(tarHeader(plain), 156, "S"))],
    ["has a name longer than anything", whole(changed(tarHeader({ ...plain, size: 2 ** 31 }), 156, "L"))],
  ])("throws for what %s", async (_what, bytes) => {
    await expect(read(bytes)).rejects.toThrow(TarError);
  });

  it("ends, with entries or with an error, whatever it is given", async () => {
    const bytes = whole(
      archive([
        { name: "n".repeat(120), text: "content" },
        { name: "d/", type: "folder" },
      ]),
    );
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (changes) => {
        const hostile = Uint8Array.from(bytes);
        for (const [at, byte] of changes) hostile[at] = byte;
        const result = await read(hostile).catch((error: unknown) => error);
        if (!Array.isArray(result)) expect(result).toBeInstanceOf(TarError);
      }),
      { numRuns: 200 },
    );
  });
});
