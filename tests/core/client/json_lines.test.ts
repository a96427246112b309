import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonLines } from "../../../core/client/json_lines.ts";
import { ObjectBody } from "../../../core/client/object_body.ts";

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (let turn = 0; offset < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
}

async function all(lines: AsyncIterable<unknown>): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of lines) values.push(value);
  return values;
}

describe("jsonLines()", () => {
  it("reads the same documents, however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (documents, sizes) => {
          const expected = documents.map((document) => JSON.parse(JSON.stringify(document)) as unknown);
          const bytes = new TextEncoder().encode(expected.map((document) => `${JSON.stringify(document)}\n`).join(""));
          expect(await all(jsonLines(cut(bytes, sizes)))).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("takes documents that were never made into bytes as they are", async () => {
    const document = { a: 1 };
    async function* mixed(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('{"b":2}\n');
      yield new ObjectBody([document]);
    }
    const read = await all(jsonLines(mixed()));
    expect(read).toEqual([{ b: 2 }, { a: 1 }]);
    expect(read[1]).toBe(document);
  });

  it("drops an unfinished last line and passes over empty ones", async () => {
    const bytes = new TextEncoder().encode('{"a":1}\r\n\n{"b":2}\n{"c":');
    expect(await all(jsonLines(cut(bytes, [3])))).toEqual([{ a: 1 }, { b: 2 }]);
  });
});
