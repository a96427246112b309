import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectGroups, groupsName } from "../../../node_daemon/runtime/cgroup_leftovers.ts";

function maySeparateMounts(): boolean {
  try {
    execFileSync("unshare", ["-m", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("collectGroups()", () => {
  let folder: string;
  const passing: ChildProcess[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "wherry-leftovers-"));
  });
  afterAll(async () => {
    for (const child of passing) child.kill();
    await rm(folder, { recursive: true });
  });

  it.skipIf(!maySeparateMounts())(
    "removes those of daemons that are gone and nobody else's, while processes with roots of their own come and go",
    async () => {
      for (let n = 0; n < 3; n++)
        passing.push(spawn("sh", ["-c", "while :; do unshare -m sleep 0.02; done"], { stdio: "ignore" }));
      const top = join(folder, "top");
      const kept = join(top, groupsName(folder));
      await mkdir(kept, { recursive: true });
      // Who has ended while it was looked at is one of few: many tries meet one.
      for (let n = 0; n < 40; n++) {
        await mkdir(join(top, groupsName(join(folder, "gone", String(n)))));
        await collectGroups(top, { owner: join(folder, "own"), isKnown: () => false });
        expect(await readdir(top)).toEqual([groupsName(folder)]);
      }
      expect(existsSync(kept)).toBe(true);
    },
  );
});
