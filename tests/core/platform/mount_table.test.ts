import { describe, expect, it } from "vitest";
import { mountPointOf, parseMountInfo } from "../../../core/platform/mount_table.ts";

const text = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:5 / /data/a\\040b rw master:7 propagate_from:1 - tmpfs none rw
25 22 0:6 / /data rw shared:3 master:4 - ext4 /dev/b rw
broken line
`;

describe("parseMountInfo()", () => {
  it("tells kinds and how mounts are passed on, and leaves out what it cannot read", () => {
    expect(parseMountInfo(text)).toEqual([
      { path: "/", fileSystem: "ext4", device: "/dev/vda", number: "254:0", isShared: true, isSlave: false },
      { path: "/proc", fileSystem: "proc", device: "proc", number: "0:21", isShared: false, isSlave: false },
      { path: "/data/a b", fileSystem: "tmpfs", device: "none", number: "0:5", isShared: false, isSlave: true },
      { path: "/data", fileSystem: "ext4", device: "/dev/b", number: "0:6", isShared: true, isSlave: true },
    ]);
  });
});

describe("mountPointOf()", () => {
  it.each([
    ["/data/a b/c", "/data/a b"],
    ["/data/a", "/data"],
    ["/data", "/data"],
    ["/database", "/"],
    ["/", "/"],
  ])("%s lies in %s", (path, wanted) => {
    expect(mountPointOf(path, parseMountInfo(text))?.path).toBe(wanted);
  });

  it("is the last of several at one place, which covers the others", () => {
    const [root] = parseMountInfo(text);
    const over = {
      path: "/",
      fileSystem: "overlay",
      device: "overlay",
      number: "0:7",
      isShared: false,
      isSlave: false,
    };
    expect(mountPointOf("/x", root ? [root, over] : [])).toBe(over);
  });
});
