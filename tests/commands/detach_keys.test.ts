import { describe, expect, it } from "vitest";
import { DetachedError, detachKeysOf, untilDetached } from "../../commands/streams/detach_keys.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe("detachKeysOf()", () => {
  it.each([
    ["ctrl-p,ctrl-q", [16, 17]],
    ["a,ctrl-@,ctrl-[,ctrl-_", [97, 0, 27, 31]],
    ["", []],
  ])("reads %j", (text, bytes) => {
    expect([...detachKeysOf({ "detach-keys": text })]).toEqual(bytes);
  });

  it.each(["ctrl-", "ctrl-é", "ab", "ctrl-1", "a,,b"])("refuses %j", (text) => {
    expect(() => detachKeysOf({ "detach-keys": text })).toThrow("could not bind detach keys: Unknown character: '");
  });
});

describe("untilDetached()", () => {
  async function pass(chunks: readonly string[], keys = "pq"): Promise<{ passed: string; detached: boolean }> {
    let detached = false;
    let passed = "";
    const input = (async function* () {
      for (const chunk of chunks) yield bytesOf(chunk);
    })();
    try {
      for await (const bytes of untilDetached(input, bytesOf(keys))) passed += new TextDecoder().decode(bytes);
    } catch (error) {
      detached = error instanceof DetachedError;
    }
    return { passed, detached };
  }

  it.each<[string, readonly string[], string, boolean]>([
    ["passes on what has none of the keys", ["ab", "c"], "abc", false],
    ["ends with the keys in one piece", ["abpqc", "d"], "ab", true],
    ["ends with the keys typed one by one", ["a", "p", "q", "d"], "a", true],
    ["gives back what was kept", ["p", "x", "q"], "pxq", false],
    ["begins anew with the key that did not fit", ["ppq", "x"], "p", true],
    ["gives back what was kept at the end", ["ap"], "ap", false],
  ])("%s", async (_what, chunks, passed, detached) => {
    expect(await pass(chunks)).toEqual({ passed, detached });
  });

  it("passes on everything when there are no keys", async () => {
    expect(await pass(["pq"], "")).toEqual({ passed: "pq", detached: false });
  });
});
