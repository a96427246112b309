import { describe, expect, it } from "vitest";
import { parsePercent, scaledValue } from "../../../core/api/intstr.ts";

describe("parsePercent()", () => {
  it.each([
    ["0%", 0],
    ["25%", 25],
    ["150%", 150],
    ["25", undefined],
    ["-1%", undefined],
    ["2.5%", undefined],
    ["%", undefined],
    ["1%%", undefined],
  ])("%s is %s", (text, percent) => expect(parsePercent(text)).toBe(percent));
});

describe("scaledValue()", () => {
  it.each([
    [2, 10, true, 2],
    ["25%", 4, true, 1],
    ["25%", 3, true, 1],
    ["25%", 3, false, 0],
    ["33%", 10, true, 4],
    ["33%", 10, false, 3],
    ["100%", 7, false, 7],
    ["7%", 100, true, 7],
    ["29%", 100, true, 29],
  ] as const)("%s of %d (round up: %s) is %d", (value, total, roundUp, expected) => {
    expect(scaledValue(value, total, { roundUp })).toBe(expected);
  });

  it("refuses text that is no percentage", () => {
    expect(() => scaledValue("5", 10, { roundUp: true })).toThrow(
      "invalid value for IntOrString: invalid type: string is not a percentage",
    );
  });
});
