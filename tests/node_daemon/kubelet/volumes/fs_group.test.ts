import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FakeClock } from "../../../../core/util/fake_clock.ts";
import { applyFsGroup, type FsGroupOptions } from "../../../../node_daemon/kubelet/volumes/fs_group.ts";

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
const apply = async (options: Partial<FsGroupOptions> = {}) =>
  applyFsGroup(root, {
    gid: await ownGroup(),
    name: "uid-1/volumes/v",
    clock: new FakeClock(),
    onSlow: (message) => expect.unreachable(message),
    ...options,
  });

it("applyFsGroup() lets the group read and write, and what is made later belong to it", async () => {
  await mkdir(join(root, "sub"), { mode: 0o700 });
  await writeFile(join(root, "sub", "file"), "", { mode: 0o600 });
  await apply();
  expect(await modeOf(join(root, "sub"))).toBe(0o2770);
  expect(await modeOf(join(root, "sub", "file"))).toBe(0o660);
  expect(await modeOf(root)).toBe(0o2770);
});

it("applyFsGroup() leaves what links lead to", async () => {
  await writeFile(join(outside, "file"), "", { mode: 0o600 });
  await symlink(outside, join(root, "link"));
  await symlink(join(outside, "file"), join(root, "file"));
  await symlink(join(outside, "none"), join(root, "broken"));
  await apply();
  expect(await modeOf(join(outside, "file"))).toBe(0o600);
});

it("applyFsGroup() with OnRootMismatch goes in only when the volume's own folder is not as it should be", async () => {
  await writeFile(join(root, "file"), "", { mode: 0o600 });
  await chmod(root, 0o2770);
  await apply({ policy: "OnRootMismatch" });
  expect(await modeOf(join(root, "file"))).toBe(0o600);
  await chmod(root, 0o770);
  await apply({ policy: "OnRootMismatch" });
  expect(await modeOf(join(root, "file"))).toBe(0o660);
});

it("applyFsGroup() tells when it takes its time, and then how far it is, until it is done", async () => {
  // Each takes a round through the file system, of which the clock below lets few pass.
  for (let index = 0; index < 300; index++) await writeFile(join(root, String(index)), "", { mode: 0o600 });
  const clock = new FakeClock();
  const told: string[] = [];
  const gid = await ownGroup();
  const done = applyFsGroup(root, { gid, name: "uid-1/volumes/v", clock, onSlow: (message) => told.push(message) });
  await clock.advance(29_000);
  expect(told).toEqual([]);
  await clock.advance(61_000);
  await done;
  expect(told).toEqual([
    "Setting volume ownership for uid-1/volumes/v is taking longer than expected, consider using OnRootMismatch - https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods",
    expect.stringMatching(/^Setting volume ownership for uid-1\/volumes\/v, processed \d+ files\.$/),
  ]);
  expect(clock.pending).toBe(0);
});
