import { describe, expect, it } from "vitest";
import { parseArguments } from "../../commands/arguments.ts";
import { globalFlags } from "../../commands/global_flags.ts";
import { verbs } from "../../commands/mod.ts";
import type { FlagTable, Verb } from "../../commands/verb.ts";

const all = await Promise.all(Object.values(verbs).map((load) => load()));

/** The tables of flags of a verb and of those below it. */
function tablesOf({ name, flags, verbs = [] }: Verb): readonly { readonly of: string; readonly flags: FlagTable }[] {
  return [{ of: name, flags }, ...verbs.flatMap(tablesOf)];
}

const tables = [{ of: "every verb", flags: globalFlags }, ...all.flatMap(tablesOf)];

/** Of a verb and those below it the ones that do something and that the help shows, each with the whole of its name. */
function shownOf(verb: Verb, above = ""): readonly { readonly name: string; readonly verb: Verb }[] {
  if (verb.hidden) return [];
  const name = `${above}${verb.name}`;
  const below = (verb.verbs ?? []).flatMap((child) => shownOf(child, `${name} `));
  return verb.run ? [{ name, verb }, ...below] : below;
}

/** The words behind `wherry` as a shell makes them of a line; up to what the shell does with the output. */
function wordsOf(line: string): readonly string[] {
  const words = (line.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ""),
  );
  const start = words.findIndex((word) => /^(?:<\(|\$\()?wherry$/.test(word)) + 1;
  const end = words.findIndex((word, index) => index >= start && /^[>|)]$/.test(word));
  expect(start, `the program in ${line}`).toBeGreaterThan(0);
  return words
    .slice(start, end < 0 ? undefined : end)
    .map((word) => (line.includes("(wherry") ? word.replace(/\)$/, "") : word));
}

describe("verbs", () => {
  it.each(tables)("declare the flags of $of in words that the real Cliffy reads too", ({ flags }) => {
    for (const [name, { placeholder = "x", short = "x" }] of Object.entries(flags)) {
      expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      // It splits a declaration at blanks, commas and equals signs, and a placeholder at colons.
      expect(placeholder).toMatch(/^[a-z][a-zA-Z|-]*$/);
      expect(short).toMatch(/^[a-zA-Z]$/);
    }
  });

  it.each(all.flatMap((verb) => shownOf(verb)))("show how to use $name, by lines that it understands", ({ verb }) => {
    const { examples = [] } = verb;
    expect(examples).not.toEqual([]);
    for (const [what, line] of examples) {
      expect(what).toMatch(/^\S.*[^.\s]$/);
      const { path, words } = parseArguments(wordsOf(line), all, globalFlags);
      expect(path, line).toContain(verb);
      const declared = path.at(-1)?.words ?? "";
      expect(words.length, line).toBeGreaterThanOrEqual(declared.match(/</g)?.length ?? 0);
      if (!declared.includes("..."))
        expect(words.length, line).toBeLessThanOrEqual(declared.match(/[<[]/g)?.length ?? 0);
    }
  });
});
