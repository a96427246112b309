import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { setup } from "./temporary_files.ts";

describe("setup()", () => {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env["TMPDIR"];
  });
  afterEach(() => {
    process.env["TMPDIR"] = before;
    vi.restoreAllMocks();
  });

  it("gives a run of the tests a folder for temporary files, which goes with what was left in it", async () => {
    expect(basename(tmpdir())).toMatch(/^wt-/); // this very run's
    const remove = await setup();
    const folder = tmpdir();
    expect(dirname(folder)).toBe(before);
    mkdirSync(join(folder, "kept"));
    writeFileSync(join(folder, "kept", "edit.yaml"), "left");
    await remove();
    expect(existsSync(folder)).toBe(false);
  });

  it("empties nothing that is mounted in it, and says so", async (context) => {
    const remove = await setup();
    const folder = tmpdir();
    const mounted = join(folder, "mounted");
    mkdirSync(mounted);
    if (spawnSync("mount", ["-t", "tmpfs", "none", mounted]).status !== 0) context.skip("may not mount");
    try {
      writeFileSync(join(mounted, "file"), "the machine's");
      const said = vi.spyOn(console, "error").mockReturnValue();
      await remove();
      expect(existsSync(join(mounted, "file"))).toBe(true);
      expect(said).toHaveBeenCalledWith(`${folder} was left: something is mounted in it`);
    } finally {
      spawnSync("umount", [mounted]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
