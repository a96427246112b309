import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson, stringifyJson } from "../../../core/api/json.ts";
import type { Json } from "../../../core/api/meta.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("parseJson()", () => {
  it("reads what JSON.parse reads, from text and from bytes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        // Integers beyond 2^53 are bigints: that has a test of its own.
        fc.pre(!/\d{16}/.test(text));
        expect(parseJson(text)).toEqual(JSON.parse(text));
        expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it("keeps __proto__ as a member of its own and pollutes nothing", () => {
    const value = parseJson('{"data":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}');
    expect(stringifyJson(value)).toContain('"__proto__":{"polluted":1}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each([["1e400"], ["-1E+999"], ["1".repeat(1_000_000)]])(
    "refuses %.24s, which is more than a double holds",
    (literal) => {
      expect(() => parseJson(`{"a":[${literal}]}`)).toThrow(
        /^json parse error: the number -?[0-9eE+.]+ cannot be represented exactly$/,
      );
    },
  );

  it.each(["9007199254740993", "-9007199254740993", "9223372036854775807", "-9223372036854775808"])(
    "keeps %s, which a JavaScript number would round",
    (literal) => {
      const text = `{"a":[${literal},{"b":${literal}}],"__proto__":${literal}}`;
      expect(parseJson(literal)).toBe(BigInt(literal));
      expect(stringifyJson(parseJson(text))).toBe(text);
    },
  );

  it.each(["9223372036854775808", "-9223372036854775809", "12345678901234567890", "1".repeat(300)])(
    "rounds %.24s, which is no 64-bit integer, as Kubernetes does",
    (literal) => expect(parseJson(literal)).toBe(Number(literal)),
  );

  it.each([
    "9007199254740991",
    "9007199254740992",
    "-9007199254740992",
    "100000000000000000000",
    "1234567890123456",
    "1.5e300",
    "0.12345678901234567",
  ])("takes %s", (literal) => expect(parseJson(literal)).toBe(Number(literal)));

  it("does not mind digits inside of text", () => {
    const text = '{"9007199254740993":"9007199254740993 \\"12345678901234567890\\\\"}';
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  it("refuses deep nesting before it recurses", () => {
    const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    expect(() => parseJson(nested(1000))).not.toThrow();
    expect(() => parseJson(nested(1000).replace("[]", "[9007199254740993]"))).not.toThrow();
    expect(() => parseJson(nested(1001))).toThrow("json parse error: exceeded max depth of 1000");
    expect(() => parseJson(nested(5), { maxDepth: 4 })).toThrow("max depth");
    expect(() => parseJson('{"a":'.repeat(300_000))).toThrow("max depth");
    expect(() => parseJson(`"${"[".repeat(5000)}"`)).not.toThrow();
  });

  it("refuses what is too large, with 413", () => {
    expect(() => parseJson(bytes('"aaaa"'), { maxBytes: 5 })).toThrow(expect.objectContaining({ code: 413 }));
  });

  it.each([[""], [" "], ["{"], ["{'a':1}"], ['{"a":1}x'], ['"secret'], ["\ufeff{}"], ["01"], ["[1,]"]])(
    "refuses %j with 400 and does not quote it",
    (text) => {
      const error = expect.objectContaining({ code: 400, message: expect.not.stringContaining("secret") });
      expect(() => parseJson(text)).toThrow(error);
    },
  );

  it("refuses bytes that are no UTF-8", () => {
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow("invalid UTF-8");
    expect(() => parseJson(Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0))).toThrow("invalid UTF-8");
  });
});

describe("stringifyJson()", () => {
  it("writes on one line, or indented by four as kubectl does", () => {
    const value: Json = { a: [1] };
    expect(stringifyJson(value)).toBe('{"a":[1]}');
    expect(stringifyJson(value, { pretty: true })).toBe('{\n  "a": [\n    1\n  ]\n}');
  });
});
