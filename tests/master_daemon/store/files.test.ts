import { constants } from "node:fs";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemFiles } from "../../../master_daemon/store/files.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wherry-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the kernel says of the descriptor by which this process has a file open. */
async function openFlags(path: string): Promise<number> {
  for (const fd of await readdir("/proc/self/fd")) {
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => "")) !== path) continue;
    const [, flags = ""] = /^flags:\s*(\d+)/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, "utf8")) ?? [];
    return Number.parseInt(flags, 8);
  }
  throw new Error(`${path} is not open`);
}

describe("systemFiles", () => {
  it("keeps what was written, cut back and written again", async () => {
    const path = join(folder, "a");
    await (await systemFiles.open(path, "create")).close();
    const file = await systemFiles.open(path, "write");
    await file.write(new TextEncoder().encode("first second"), 0);
    await file.sync();
    await file.truncate(6);
    await file.sync();
    await file.write(new TextEncoder().encode("third"), 6);
    await file.sync();
    expect(new TextDecoder().decode(await file.read(0, 100))).toBe("first third");
    await file.close();
    expect(await readFile(path, "utf8")).toBe("first third");
  });

  it.runIf(process.platform === "linux")("writes through where a file is opened for writing, only there", async () => {
    const path = join(folder, "a");
    const created = await systemFiles.open(path, "create");
    expect((await openFlags(path)) & constants.O_DSYNC).toBe(0);
    await created.close();
    const file = await systemFiles.open(path, "write");
    expect((await openFlags(path)) & constants.O_DSYNC).toBe(constants.O_DSYNC);
    await file.close();
  });
});
