import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../../core/util/log.ts";
import { PathPins } from "../../../../node_daemon/kubelet/volumes/path_pins.ts";
import { openSubPath } from "../../../../node_daemon/kubelet/volumes/sub_path.ts";

let folder = "";
let root = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wherry-sub-path-"));
  root = join(folder, "volume");
  await mkdir(root);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Where a sub-path led. */
async function pathOf(subPath: string): Promise<string> {
  await using opened = await openSubPath(root, subPath);
  return opened.path;
}

describe("openSubPath()", () => {
  it("makes folders that are missing", async () => {
    const path = await pathOf("a/b");
    expect(path.endsWith("/volume/a/b")).toBe(true);
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it("makes folders for whoever the volume is for", async () => {
    await chmod(root, 0o777);
    expect((await stat(await pathOf("a/b"))).mode & 0o777).toBe(0o777);
    expect((await stat(join(root, "a"))).mode & 0o777).toBe(0o777);
  });

  it("takes files as well", async () => {
    await writeFile(join(root, "file"), "text");
    await using opened = await openSubPath(root, "./file");
    expect(await readFile(opened.descriptor ?? opened.path, "utf8")).toBe("text");
  });

  it("follows links inside the volume", async () => {
    await mkdir(join(root, "real"));
    await symlink("real", join(root, "link"));
    await symlink(join(root, "link"), join(root, "other"));
    expect(await pathOf("other/x")).toMatch(/\/volume\/real\/x$/);
  });

  it.each([
    ["an absolute link", "/"],
    ["a relative link", "../.."],
    ["a link to what only begins with its name", "../volume-of-another"],
  ])("refuses %s that leads out", async (_, target) => {
    await mkdir(join(folder, "volume-of-another"));
    await symlink(target, join(root, "x"));
    await expect(openSubPath(root, "x")).rejects.toThrow("outside of the volume");
    await expect(openSubPath(root, "x/etc")).rejects.toThrow("outside of the volume");
  });

  it("refuses links that lead to each other", async () => {
    await symlink("b", join(root, "a"));
    await symlink("a", join(root, "b"));
    await expect(openSubPath(root, "a")).rejects.toThrow("ELOOP");
  });

  it.each([
    ["to go up", "a/../../x", "unable to provision SubPath `a/../../x`: must not contain '..'"],
    ["to begin at the root", "/tmp", "error SubPath `/tmp` must not be an absolute path"],
  ])("refuses %s, and makes nothing", async (_, subPath, message) => {
    await expect(openSubPath(root, subPath)).rejects.toThrow(message);
    expect(await readdir(root)).toEqual([]);
  });
});

describe.runIf(process.platform === "linux")("a volume whose folders are exchanged for links meanwhile", () => {
  /** Exchanges `volume/x` for a link to `outside`, and back, until it is told to end. */
  async function exchange(ended: () => boolean): Promise<void> {
    const x = join(root, "x");
    while (!ended()) {
      await rename(x, join(root, "kept"));
      await symlink(join(folder, "outside"), x).catch(() => {});
      // Whoever walks by may find nothing, and make a folder.
      while (
        await rename(join(root, "kept"), x).then(
          () => false,
          () => true,
        )
      )
        await rm(x, { recursive: true, force: true }).catch(() => {});
    }
  }

  it("is never left", async () => {
    await mkdir(join(folder, "outside"));
    await mkdir(join(folder, "outside", "deep"));
    await writeFile(join(folder, "outside", "deep", "whose"), "theirs");
    await mkdir(join(root, "x", "deep"), { recursive: true });
    await writeFile(join(root, "x", "deep", "whose"), "ours");
    let done = false;
    const exchanging = exchange(() => done);
    for (let attempt = 0; attempt < 300; attempt++) {
      // A new folder each time, too: it must not be made outside.
      const opened = await openSubPath(root, "x/deep").catch(() => undefined);
      await (await openSubPath(root, `x/new${attempt}/y`).catch(() => undefined))?.[Symbol.asyncDispose]();
      if (!opened) continue;
      // Where something was missing a folder was made: an empty one says nothing, another's file would.
      const text = await readFile(`${opened.descriptor ?? opened.path}/whose`, "utf8").catch(() => "");
      expect(text).not.toBe("theirs");
      await opened[Symbol.asyncDispose]();
    }
    done = true;
    await exchanging;
    await using last = await openSubPath(root, "x/deep");
    expect(await readFile(`${last.descriptor}/whose`, "utf8")).toBe("ours");
    expect(await readdir(join(folder, "outside"))).toEqual(["deep"]);
  });

  it("stays what was opened, under the name by which it is held", async ({ skip }) => {
    await using pins = new PathPins({ folder: join(folder, "pins"), log: silentLogger });
    await mkdir(join(folder, "outside"));
    await mkdir(join(root, "x"));
    await writeFile(join(root, "x", "whose"), "ours");
    await using opened = await openSubPath(root, "x");
    await rename(join(root, "x"), join(root, "kept"));
    await symlink(join(folder, "outside"), join(root, "x"));
    const pinned = await pins.pin(opened);
    if (!pinned) return skip("this user may not mount");
    expect(await readFile(join(pinned.path, "whose"), "utf8")).toBe("ours");
    await pinned[Symbol.asyncDispose]();
    expect(await readdir(join(folder, "pins"))).toEqual([]);
    expect(await readdir(join(root, "kept"))).toEqual(["whose"]);
  });

  it("is let go by the next daemon when one was killed", async ({ skip }) => {
    await mkdir(join(root, "x"));
    await writeFile(join(root, "x", "whose"), "ours");
    const killed = new PathPins({ folder: join(folder, "pins"), log: silentLogger });
    await using opened = await openSubPath(root, "x");
    if (!(await killed.pin(opened))) return skip("this user may not mount");
    await new PathPins({ folder: join(folder, "pins"), log: silentLogger }).clear();
    expect(await readdir(folder)).toEqual(["volume"]);
    expect(await readdir(join(root, "x"))).toEqual(["whose"]);
  });
});
