import fc from "fast-check";
import { expect, it } from "vitest";
import { SortedMap } from "../../../master_daemon/store/sorted_map.ts";

it("SortedMap equals a sorted array, whatever is set and deleted", () => {
  const key = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 200 }), key, key, (steps, prefix, after) => {
      const map = new SortedMap<string>();
      const dumb = new Set<string>();
      for (const [name, isSet] of steps) {
        if (isSet) {
          map.set(name, `v${name}`);
          dumb.add(name);
        } else expect(map.delete(name)).toBe(dumb.delete(name));
      }
      const expected = [...dumb].filter((name) => name.startsWith(prefix) && (after === "" || name > after)).sort();
      expect(map.slice(prefix, after)).toEqual(expected.map((name) => `v${name}`));
      expect(map.slice(prefix, after, 3)).toEqual(expected.slice(0, 3).map((name) => `v${name}`));
      expect(map.count(prefix, after)).toBe(expected.length);
      expect(map.size).toBe(dumb.size);
    }),
  );
});

it("SortedMap keeps 100,000 keys in order, added in any order", () => {
  const map = new SortedMap<number>();
  for (let index = 0; index < 100_000; index++) {
    const number = (index * 7919) % 100_000;
    map.set(String(number).padStart(6, "0"), number);
  }
  expect(map.slice("")).toEqual(Array.from({ length: 100_000 }, (_, index) => index));
  expect(map.count("09", "090000")).toBe(9_999);
  for (let number = 0; number < 100_000; number += 2) map.delete(String(number).padStart(6, "0"));
  expect(map.slice("09999")).toEqual([99_991, 99_993, 99_995, 99_997, 99_999]);
});
