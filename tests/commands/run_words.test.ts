import { describe, expect, it } from "vitest";
import { commandWords, programRunner } from "../../commands/run_script/run_words.ts";

type Values = Parameters<typeof commandWords>[1];
const wordsOf = (text: TemplateStringsArray, ...values: Values) => commandWords(text, values);

describe("commandWords()", () => {
  const hostile = "a b; rm -rf $HOME";
  it.each([
    [wordsOf`git  status -s`, ["git", "status", "-s"]],
    [wordsOf`echo ${hostile}`, ["echo", hostile]],
    [wordsOf`a --name=${hostile}/x ${3}`, ["a", `--name=${hostile}/x`, "3"]],
    [wordsOf`a ${["b c", "d"]} e`, ["a", "b c", "d", "e"]],
    [wordsOf`a --x=${["b", "c"]}d`, ["a", "--x=b", "cd"]],
    [wordsOf`a ${[]} b`, ["a", "b"]],
    [wordsOf`a ${""} b`, ["a", "", "b"]],
  ])("splits text at blanks, and no value: %j", (words, expected) => {
    expect(words).toEqual(expected);
  });

  it.each(['a "b c"', "a 'b'", "a | b", "a && b", "a > b", "a ; b"])("refuses what only a shell reads: %s", (line) => {
    expect(() => commandWords([line], [])).toThrow(/no shell reads it/);
  });
});

describe("programRunner()", () => {
  const $ = programRunner(new AbortController().signal);

  it("gives what the program printed, without the last line's end", async () => {
    expect(await $`printf ${"a b\\nc\\n"}`).toBe("a b\nc");
  });

  it("throws when it ends with another code than 0, or is not there", async () => {
    await expect($`sh -c ${"exit 3"}`).rejects.toThrow("sh ended with exit code 3");
    await expect($`no-such-program`).rejects.toThrow('Cannot run "no-such-program": there is no such program');
  });

  it("ends the program when the signal is aborted", async () => {
    const stop = new AbortController();
    const running = programRunner(stop.signal)`sleep 600`;
    stop.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
  });
});
