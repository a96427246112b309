import { spawn } from "node:child_process";
import type { FileHandle } from "node:fs/promises";
import { platformName } from "../../core/platform/processes.ts";
import { findTool } from "./process_root.ts";

/**
 * Gives the space of a file's first bytes back to the disk; what is behind them keeps its place.
 *
 * @param file open for writing
 * @returns false where system or file system cannot do that
 */
export async function punchHead(file: FileHandle, length: number): Promise<boolean> {
  // Node has no call for it; util-linux has a program.
  const tool = platformName === "linux" ? await findTool("fallocate") : undefined;
  if (tool === undefined) return false;
  // By what is open, whatever has its name by now.
  const args = ["--punch-hole", "--offset", "0", "--length", String(length), "/proc/self/fd/1"];
  return new Promise((resolve) => {
    const child = spawn(tool, args, { stdio: ["ignore", file.fd, "ignore"] });
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
