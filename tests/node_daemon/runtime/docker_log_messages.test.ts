import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { datedLines, logMessages, withoutReplays } from "../../../node_daemon/runtime/docker_log_messages.ts";

/** A message of the engine's log, `second` of a minute. */
function message(second: number, text: string, stream: "stdout" | "stderr" = "stdout") {
  const time = `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000001Z`;
  return { stream, data: Buffer.from(`${time} ${text}`) };
}

async function textOf(output: AsyncIterable<{ readonly data: Uint8Array }>): Promise<string> {
  let text = "";
  for await (const { data } of output) text += Buffer.from(data).toString();
  return text;
}

async function shown(messages: readonly ReturnType<typeof message>[], timestamps = false): Promise<string> {
  return await textOf(datedLines(withoutReplays(Readable.from(messages), 10_000), { timestamps }));
}

describe("withoutReplays()", () => {
  const lines = [1, 2, 3, 4, 5, 6].map((n) => message(n, `${n}\n`));

  it("leaves out a file that is sent again from its beginning, and goes on where that ends", async () => {
    expect(await shown([...lines.slice(0, 4), ...lines.slice(2)])).toBe("1\n2\n3\n4\n5\n6\n");
    expect(await shown([...lines, ...lines.slice(5), message(7, "7\n")])).toBe("1\n2\n3\n4\n5\n6\n7\n");
    expect(await shown([...lines, ...lines.slice(1), message(7, "7\n")])).toBe("1\n2\n3\n4\n5\n6\n7\n");
  });

  it("keeps what is written after the clock was set back, and lines of two streams that overtake each other", async () => {
    expect(await shown([message(30, "a\n"), message(31, "b\n"), message(5, "c\n"), message(6, "d\n")])).toBe(
      "a\nb\nc\nd\n",
    );
    expect(await shown([message(30, "a\n"), message(29, "b\n", "stderr"), message(31, "c\n")])).toBe("a\nb\nc\n");
  });

  it("knows the pieces of a long line, which have one time", async () => {
    const pieces = [message(2, "x"), message(2, "y"), message(2, "z\n")];
    const all = [message(1, "1\n"), ...pieces, message(3, "3\n")];
    expect(await shown([...all, ...all.slice(2), message(4, "4\n")])).toBe("1\nxyz\n3\n4\n");
  });
});

describe("logMessages()", () => {
  it("finds the lines of a terminal's log, and the pieces of long ones, however they arrive", async () => {
    const long = "x".repeat(16 * 1024);
    const log = [
      message(1, "one\r\n"),
      message(2, long),
      message(2, `${long}`),
      message(2, "end\r\n"),
      message(3, "rest"),
    ];
    const bytes = Buffer.concat(log.map(({ data }) => data));
    for (const size of [7, 1000, 20_000, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
        bytes.subarray(n * size, (n + 1) * size),
      );
      const dated = datedLines(logMessages(Readable.from(chunks), { tty: true }), { timestamps: true });
      expect(await textOf(dated)).toBe(
        `2026-01-01T00:00:01.000000001Z one\r\n2026-01-01T00:00:02.000000001Z ${long}${long}end\r\n2026-01-01T00:00:03.000000001Z rest`,
      );
    }
  });
});
