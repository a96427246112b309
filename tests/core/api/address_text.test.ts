import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressText, parseAddress } from "../../../core/api/ip_address.ts";

describe("addressText()", () => {
  it.each([
    ["10.96.0.1", "10.96.0.1"],
    ["fd00:0:0:0:0:0:0:1", "fd00::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    // One group of zeros is no run; of two equal runs the first is left out.
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:DB8::A", "2001:db8::a"],
  ])("writes %s as %s", (text, shortest) => {
    expect(addressText(parseAddress(text) ?? [])).toBe(shortest);
  });

  it("is read as what it was written from", () => {
    const byte = fc.oneof(fc.constant(0), fc.nat(255));
    const bytes = fc.oneof(
      fc.array(byte, { minLength: 4, maxLength: 4 }),
      fc.array(byte, { minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(bytes, (address) => {
        expect(parseAddress(addressText(address))).toEqual(address);
      }),
    );
  });
});
