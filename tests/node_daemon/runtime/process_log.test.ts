import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { ContainerLog } from "../../../node_daemon/runtime/process_log.ts";
import type { LogOptions } from "../../../node_daemon/runtime/runtime.ts";
import { logOptions } from "../../suites/runtime_suite.ts";

async function withLog(
  fileBytes: number,
  body: (log: ContainerLog, context: { dir: string; clock: FakeClock }) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "wherry-log-"));
  const clock = new FakeClock();
  const log = new ContainerLog({ dir, clock, fileBytes });
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

  it("refresh() moves a full file aside and keeps a bounded number, when a container writes much", async () => {
    await withLog(100, async (log, { dir, clock }) => {
      for (let i = 0; i < 100; i++) {
        await appendFile(join(dir, "log"), `line ${String(i).padStart(3, "0")}\n`);
        await log.refresh();
      }
      const all = (await text(log)).trim().split("\n");
      expect(all.at(-1)).toBe("line 099");
      expect(all.length).toBeGreaterThanOrEqual(22);
      expect(all.length).toBeLessThanOrEqual(36);
      expect(await text(log, { tailLines: 15 })).toBe(`${all.slice(-15).join("\n")}\n`);
      const again = new ContainerLog({ dir, clock, fileBytes: 100 });
      await again.load();
      await again.refresh();
      expect((await text(again)).trim().split("\n")).toEqual(all);
    });
  });

  it("read() follows across files until the log has finished", async () => {
    await withLog(50, async (log, { dir }) => {
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
    });
  });
});
