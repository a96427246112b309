import fc from "fast-check";
import { expect, it } from "vitest";
import { rewrite } from "../../../core/cel/_rewrite.ts";

const token = fc.constantFrom(
  ..."Object Object.spec a in true { } [ ] ( ) , ? : . ' \" ''' r' \\ // + 1 1.5 \n".split(" "),
  " ",
);

it("rewrite() keeps every place, whatever is written", () => {
  fc.assert(
    fc.property(fc.array(token, { maxLength: 60 }), (tokens) => {
      const source = tokens.join("");
      const { text, messages, optional } = rewrite(source);
      expect(text).toHaveLength(source.length);
      for (const at of messages.keys()) expect([source[at], text[at]]).toEqual(["{", "{"]);
      for (const at of optional.keys()) expect("{[").toContain(source[at]);
    }),
  );
});

it("rewrite() leaves what has no messages as it is", () => {
  for (const source of ["x ? {'a': 1} : {}", "a.?b[?c] == 'Object{'", "// Object{\n[1, 2][0]", "f(x).y[z]"])
    expect(rewrite(source).text).toBe(source);
});
