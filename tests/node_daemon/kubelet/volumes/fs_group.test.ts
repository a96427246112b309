import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { applyFsGroup } from "../../../../node_daemon/kubelet/volumes/fs_group.ts";

let root = "";
let outside = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "wherry-fs-group-"));
  outside = await mkdtemp(join(tmpdir(), "wherry-fs-group-"));
});
afterEach(async () => {
  for (const folder of [root, outside]) await rm(folder, { recursive: true, force: true });
});

const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;
// The group that the test may give things to without being root.
const ownGroup = async () => (await stat(root)).gid;

it("applyFsGroup() lets the group read and write, and what is made later belong to it", async () => {
  await mkdir(join(root, "sub"), { mode: 0o700 });
  await writeFile(join(root, "sub", "file"), "", { mode: 0o600 });
  await applyFsGroup(root, { gid: await ownGroup() });
  expect(await modeOf(join(root, "sub"))).toBe(0o2770);
  expect(await modeOf(join(root, "sub", "file"))).toBe(0o660);
  expect(await modeOf(root)).toBe(0o2770);
});

it("applyFsGroup() leaves what links lead to", async () => {
  await writeFile(join(outside, "file"), "", { mode: 0o600 });
  await symlink(outside, join(root, "link"));
  await symlink(join(outside, "file"), join(root, "file"));
  await symlink(join(outside, "none"), join(root, "broken"));
  await applyFsGroup(root, { gid: await ownGroup() });
  expect(await modeOf(join(outside, "file"))).toBe(0o600);
});

it("applyFsGroup() with OnRootMismatch goes in only when the volume's own folder is not as it should be", async () => {
  await writeFile(join(root, "file"), "", { mode: 0o600 });
  await chmod(root, 0o2770);
  await applyFsGroup(root, { gid: await ownGroup(), policy: "OnRootMismatch" });
  expect(await modeOf(join(root, "file"))).toBe(0o600);
  await chmod(root, 0o770);
  await applyFsGroup(root, { gid: await ownGroup(), policy: "OnRootMismatch" });
  expect(await modeOf(join(root, "file"))).toBe(0o660);
});
