import { defineConfig } from "vitest/config";
import { LongestFirst } from "./tests/longest_first.ts";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: ["tests/temporary_files.ts"],
    setupFiles: ["tests/setup.ts"],
    pool: "forks",
    // One more than the processors of a small machine: many tests wait for a program, an engine or a clock.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // What files import is loaded once: a third of a whole run is otherwise spent on that. They share no state but what they put back.
    isolate: false,
    // What a test waits for may take long on a machine that has much else to do: these end what hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000, interval: 20 } },
  },
});
