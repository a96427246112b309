import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { ContainerLog } from "../../../node_daemon/runtime/process_log.ts";
import { punchHead } from "../../../node_daemon/runtime/punch_head.ts";
import type { LogOptions } from "../../../node_daemon/runtime/runtime.ts";
import { logOptions } from "../../suites/runtime_suite.ts";

async function withLog(
  fileBytes: number,
  body: (log: ContainerLog, context: { dir: string; clock: FakeClock }) => Promise<void>,
  punch = punchHead,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "wherry-log-"));
  const clock = new FakeClock();
  const log = new ContainerLog({ dir, clock, limits: { fileBytes, files: 3 }, punch });
  await log.load();
  await body(log, { dir, clock });
  await rm(dir, { recursive: true });
}

async function text(log: ContainerLog, changes: Partial<LogOptions> = {}): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of log.read(logOptions(changes))) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe("ContainerLog", () => {
  it("read() gives the same as cutting the whole text, for any writes and options", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom("a", "bc", "\n", "ü\n"), { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
        fc.option(fc.nat(6), { nil: undefined }),
        fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
        async (writes, tailLines, limitBytes) => {
          await withLog(1_000_000, async (log, { dir }) => {
            for (const write of writes) {
              await appendFile(join(dir, "log"), write.join(""));
              await log.refresh();
            }
            const whole = writes.flat().join("");
            const lines = whole.match(/[^\n]*\n|[^\n]+$/g) ?? [];
            const kept = tailLines === undefined ? whole : lines.slice(Math.max(0, lines.length - tailLines)).join("");
            const expected = Buffer.from(kept).subarray(0, limitBytes ?? kept.length * 2);
            expect(Buffer.from(await text(log, { tailLines, limitBytes }))).toEqual(Buffer.from(expected.toString()));
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it("read() dates each line with when it was seen, when time passes between them", async () => {
    await withLog(1_000_000, async (log, { dir, clock }) => {
      for (const line of ["one\n", "two\n", "three\n"]) {
        await appendFile(join(dir, "log"), line);
        await log.refresh();
        await clock.advance(1500);
      }
      expect(await text(log, { timestamps: true })).toBe(
        "2026-01-01T00:00:00.000000000Z one\n2026-01-01T00:00:01.500000000Z two\n2026-01-01T00:00:03.000000000Z three\n",
      );
      expect(await text(log, { sinceMs: Date.UTC(2026, 0, 1, 0, 0, 1) })).toBe("two\nthree\n");
      const again = new ContainerLog({ dir, clock });
      await again.load();
      await again.refresh();
      expect(await text(again, { timestamps: true, tailLines: 1 })).toBe("2026-01-01T00:00:03.000000000Z three\n");
    });
  });

  const ways = [
    ["by giving space back", punchHead],
    ["by moving files aside", async () => false],
  ] as const;
  it.each(ways)("refresh() keeps a bounded end of what a container writes, %s", async (_way, punch) => {
    const keepsLines = async (log: ContainerLog, { dir, clock }: { dir: string; clock: FakeClock }) => {
      for (let i = 0; i < 100; i++) {
        await appendFile(join(dir, "log"), `line ${String(i).padStart(3, "0")}\n`);
        await log.refresh();
      }
      const all = (await text(log)).trim().split("\n");
      expect(all.at(-1)).toBe("line 099");
      expect(all.length).toBeGreaterThanOrEqual(22);
      expect(all.length).toBeLessThanOrEqual(36);
      expect(await text(log, { tailLines: 15 })).toBe(`${all.slice(-15).join("\n")}\n`);
      const again = new ContainerLog({ dir, clock, limits: { fileBytes: 100, files: 3 } });
      await again.load();
      await again.refresh();
      expect((await text(again)).trim().split("\n")).toEqual(all);
    };
    await withLog(100, keepsLines, punch);
  });

  it("read() dates a line once, and leaves it out as a whole, when it is longer than what is read at a time", async () => {
    await withLog(50_000_000, async (log, { dir, clock }) => {
      const long = "x".repeat(2_500_000);
      await appendFile(join(dir, "log"), `${long}\n`);
      await log.refresh();
      await clock.advance(1000);
      await appendFile(join(dir, "log"), "next\n");
      await log.refresh();
      expect(await text(log, { timestamps: true })).toBe(
        `2026-01-01T00:00:00.000000000Z ${long}\n2026-01-01T00:00:01.000000000Z next\n`,
      );
      expect(await text(log, { sinceMs: clock.now() })).toBe("next\n");
      expect(await text(log, { tailLines: 2, limitBytes: 2_500_003 })).toBe(`${long}\nne`);
    });
  });

  it("makes room line by line while a program writes, and a follower misses and repeats none", async ({ skip }) => {
    await withLog(64 * 1024, async (log, { dir, clock }) => {
      const file = await log.openForProgram();
      // Bursts of less than what is kept, as fast as the program can; each when the one before was read.
      const script =
        "n=0; while read go; do end=$((n+4000)); while [ $n -lt $end ]; do n=$((n+1)); echo line $n; done; done";
      const child = spawn("sh", ["-c", script], { stdio: ["pipe", file.fd, "ignore"] });
      const ended = once(child, "exit");
      let seen = "";
      const reading = (async () => {
        for await (const part of log.read(logOptions({ follow: true }))) seen += Buffer.from(part).toString();
      })();
      let whole = "";
      for (let first = 1; first < 60_000; first += 4000) {
        whole += Array.from({ length: 4000 }, (_, n) => `line ${first + n}\n`).join("");
        child.stdin?.write("go\n");
        while (seen.length < whole.length && child.exitCode === null) {
          await log.refresh();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      child.stdin?.end();
      await ended;
      await log.finish();
      await reading;
      const canPunch = await punchHead(file, 4096);
      await file.close();
      if (!canPunch) skip("the file system cannot give back the space of a file's first bytes");
      expect(seen === whole).toBe(true);
      // What is kept is the end of it, whole lines, and no more than the files may hold.
      const kept = await text(log);
      expect(whole.endsWith(`\n${kept}`)).toBe(true);
      expect(kept.length).toBeGreaterThanOrEqual(2 * 64 * 1024 - 20);
      const { blocks } = await stat(join(dir, "log"));
      expect(blocks * 512).toBeLessThan(whole.length / 2);
      const again = new ContainerLog({ dir, clock, limits: { fileBytes: 64 * 1024, files: 3 } });
      await again.load();
      expect(await text(again)).toBe(kept);
      expect(await again.bytesOnDisk()).toBe(kept.length);
    });
  });

  it.each(ways)("read() follows until the log has finished, when room is made %s", async (_way, punch) => {
    const follows = async (log: ContainerLog, { dir }: { dir: string }) => {
      const seen: string[] = [];
      const reading = (async () => {
        for await (const part of log.read(logOptions({ follow: true }))) seen.push(Buffer.from(part).toString());
      })();
      for (let i = 0; i < 20; i++) {
        await appendFile(join(dir, "log"), `${i}\n`);
        await log.refresh();
      }
      await appendFile(join(dir, "log"), "rest");
      await log.finish();
      await reading;
      expect(seen.join("")).toBe(`${Array.from({ length: 20 }, (_, i) => `${i}\n`).join("")}rest`);
    };
    await withLog(50, follows, punch);
  });
});
