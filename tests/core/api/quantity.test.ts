import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addQuantities,
  bytesValue,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliCpu,
  milliValue,
  parseQuantity,
  quantityError,
  subtractQuantities,
  value,
} from "../../../core/api/quantity.ts";

describe("canonicalQuantity()", () => {
  it.each([
    ["0", "0"],
    ["-0Mi", "0"],
    ["1", "1"],
    ["+1", "1"],
    ["0.5", "500m"],
    [".5", "500m"],
    ["5.", "5"],
    ["100m", "100m"],
    ["1000m", "1"],
    ["1500", "1500"],
    ["1000", "1k"],
    ["1000k", "1M"],
    ["-1500m", "-1500m"],
    ["1024Mi", "1Gi"],
    ["1025Mi", "1025Mi"],
    ["1.5Gi", "1536Mi"],
    ["1Ki", "1Ki"],
    ["1023", "1023"],
    ["0.1Ki", "102400m"],
    ["1e3", "1e3"],
    ["12e6", "12e6"],
    ["1e2", "100"],
    ["1.5e4", "15e3"],
    ["0.0000000001", "1n"],
    ["-0.0000000001", "-1n"],
    ["1e-999999999", "1e-9"],
    ["0.123456789123", "123456790n"],
    ["100Ei", "9223372036854775807"],
    [2, "2"],
    [0.1, "100m"],
    [1e21, "1e21"],
  ])("%j is %j", (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  const form = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  const suffix = "unable to parse quantity's suffix";
  it.each([
    ["", form],
    ["abc", form],
    ["1 Gi", form],
    ["1.2.3", form],
    ["--1", form],
    [".", form],
    ["m", form],
    ["1K", suffix],
    ["1mi", suffix],
    ["1e", suffix],
    ["1MM", suffix],
    ["1e1000000000", suffix],
    ["1e+1000000000", suffix],
    ["9".repeat(100_000), "unable to parse numeric part of quantity"],
  ])("refuses %.20j", (text, message) => {
    expect(quantityError(text)).toBe(message);
    expect(() => canonicalQuantity(text)).toThrow(SyntaxError);
  });
});

describe("quantities", () => {
  const suffixes: readonly (readonly [string, number, number])[] = [
    ["n", 10, -9],
    ["u", 10, -6],
    ["m", 10, -3],
    ["", 10, 0],
    ["k", 10, 3],
    ["M", 10, 6],
    ["G", 10, 9],
    ["T", 10, 12],
    ["e3", 10, 3],
    ["E-2", 10, -2],
    ["Ki", 2, 10],
    ["Mi", 2, 20],
    ["Gi", 2, 30],
  ];
  const written = fc.tuple(
    fc.boolean(),
    fc.bigInt({ min: 0n, max: 10n ** 9n }),
    fc.integer({ min: 0, max: 12 }),
    fc.constantFrom(...suffixes),
  );
  /** `digits` with a decimal point `places` from the right. */
  const decimal = (digits: bigint, places: number) => {
    const text = digits.toString().padStart(places + 1, "0");
    return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
  };

  it("are read as a dumb implementation with fractions reads them", () => {
    fc.assert(
      fc.property(written, ([negative, digits, places, [suffix, base, exponent]]) => {
        const text = `${negative ? "-" : ""}${decimal(digits, places)}${suffix}`;
        // As a fraction of billionths: numerator / denominator, rounded away from zero.
        const scale = BigInt(base) ** BigInt(Math.abs(exponent));
        const numerator = digits * 10n ** 9n * (exponent > 0 ? scale : 1n);
        const denominator = 10n ** BigInt(places) * (exponent < 0 ? scale : 1n);
        const nano = (numerator + denominator - 1n) / denominator;
        expect(parseQuantity(text).nano).toBe(negative ? -nano : nano);
      }),
    );
  });

  it("keep their amount and text when the canonical form is read again", () => {
    fc.assert(
      fc.property(written, ([negative, digits, places, [suffix]]) => {
        const quantity = parseQuantity(`${negative ? "-" : ""}${decimal(digits, places)}${suffix}`);
        const text = formatQuantity(quantity);
        expect(parseQuantity(text).nano).toBe(quantity.nano);
        expect(canonicalQuantity(text)).toBe(text);
      }),
    );
  });

  it("compare, add and subtract exactly", () => {
    const q = parseQuantity;
    expect(compareQuantities(q("1Gi"), q("1024Mi"))).toBe(0);
    expect(compareQuantities(q("1Gi"), q("1G"))).toBeGreaterThan(0);
    expect(compareQuantities(q("-1"), q("1m"))).toBeLessThan(0);
    expect(formatQuantity(addQuantities(q("0.1"), q("0.2")))).toBe("300m");
    expect(formatQuantity(addQuantities(q("0"), q("1024Mi")))).toBe("1Gi");
    expect(formatQuantity(addQuantities(q("1Gi"), q("1G")))).toBe("2073741824");
    expect(formatQuantity(subtractQuantities(q("1Gi"), q("512Mi")))).toBe("512Mi");
    expect(formatQuantity(subtractQuantities(q("1"), q("1")))).toBe("0");
  });

  it("give whole and thousandth units, rounded up", () => {
    expect(value(parseQuantity("1.1"))).toBe(2);
    expect(value(parseQuantity("-1.1"))).toBe(-2);
    expect(milliValue(parseQuantity("0.1001"))).toBe(101);
    expect(milliCpu("250m")).toBe(250);
    expect(milliCpu(2)).toBe(2000);
    expect(milliCpu("250m")).toBe(250);
    expect(milliCpu(undefined)).toBe(0);
    expect(bytesValue("64Mi")).toBe(64 * 1024 * 1024);
    expect(() => bytesValue("x")).toThrow(SyntaxError);
  });
});
