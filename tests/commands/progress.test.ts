import { describe, expect, it } from "vitest";
import { bytesText, withProgress } from "../../commands/progress.ts";
import { StatusLine } from "../../core/platform/status_line.ts";
import type { Terminal } from "../../core/platform/terminal.ts";
import { FakeClock } from "../../core/util/fake_clock.ts";

describe("withProgress", () => {
  const silent: Terminal = {
    input: (async function* () {})(),
    inputIsTerminal: false,
    outputIsTerminal: false,
    write: async () => {},
    writeError: async () => {},
    warn: () => {},
    size: () => undefined,
    onResize: () => () => {},
    raw: () => () => {},
  };

  it("shows what is said last, and how long it takes, until the work is done or fails", async () => {
    const clock = new FakeClock();
    const shown: (string | undefined)[] = [];
    const terminal = { ...silent, status: { width: 20, set: (text: string | undefined) => void shown.push(text) } };
    const failing = withProgress({ terminal, clock }, async ({ show }) => {
      show("1 of 3");
      show("2 of 3");
      await clock.advance(300);
      show("a long line\x1b[2J that ends");
      await clock.advance(900);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(shown).toEqual([
      "2 of 3",
      ...Array.from({ length: 3 }, () => "a long line\\u001b[2J"),
      "a long line\\u001b[2J",
      undefined,
    ]);
    await clock.advance(1000);
    expect(shown.at(-1)).toBeUndefined();
  });

  it("says nothing of what is done at once, and nothing where no line can be drawn over", async () => {
    const clock = new FakeClock();
    const shown: (string | undefined)[] = [];
    const terminal = { ...silent, status: { width: 20, set: (text: string | undefined) => void shown.push(text) } };
    await withProgress({ terminal, clock }, async ({ show }) => show("soon"));
    expect(shown).toEqual([undefined]);
    expect(await withProgress({ terminal: silent, clock }, async () => 7)).toBe(7);
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [13 * 1024 * 1024, "13.0 MiB"],
    [5 * 1024 ** 4, "5120.0 GiB"],
  ])("says %d bytes as %s", (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });
});

describe("StatusLine", () => {
  it("stands below what is printed, and never on a line that was begun", async () => {
    let screen = "";
    const line = new StatusLine((text) => {
      screen += text;
    });
    const print = (text: string) =>
      line.above(text, async () => {
        screen += text;
      });
    line.set("1 of 2");
    line.set("1 of 2");
    await print("one\n");
    await print("half");
    line.set("2 of 2");
    await print(" whole\n");
    line.set(undefined);
    line.set(undefined);
    const clear = "\r\x1b[K";
    expect(screen).toBe(`\r1 of 2\x1b[K${clear}one\n\r1 of 2\x1b[K${clear}half whole\n\r2 of 2\x1b[K${clear}`);
  });
});
