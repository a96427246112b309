import { describe, expect, it } from "vitest";
import { globalFlags } from "../../commands/global_flags.ts";
import { verbs } from "../../commands/mod.ts";
import type { FlagTable, Verb } from "../../commands/verb.ts";

/** The tables of flags of a verb and of those below it. */
function tablesOf({ name, flags, verbs = [] }: Verb): readonly { readonly of: string; readonly flags: FlagTable }[] {
  return [{ of: name, flags }, ...verbs.flatMap(tablesOf)];
}

const tables = [
  { of: "every verb", flags: globalFlags },
  ...(await Promise.all(Object.values(verbs).map((load) => load()))).flatMap(tablesOf),
];

describe("verbs", () => {
  it.each(tables)("declare the flags of $of in words that the real Cliffy reads too", ({ flags }) => {
    for (const [name, { placeholder = "x", short = "x" }] of Object.entries(flags)) {
      expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      // It splits a declaration at blanks, commas and equals signs, and a placeholder at colons.
      expect(placeholder).toMatch(/^[a-z][a-zA-Z|-]*$/);
      expect(short).toMatch(/^[a-zA-Z]$/);
    }
  });
});
