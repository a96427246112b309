import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { posix } from "node:path";
import { invalidName } from "./invalid_name.ts";
import type { ProgramScheme } from "./scheme.ts";

/** `file:PATH`: a program of this machine, by its absolute path. It is there or it is not: nothing is fetched. */
export const filePrograms: ProgramScheme = {
  scheme: "file",
  check(path) {
    const isPlain = path.startsWith("/") && posix.normalize(path) === path && !path.endsWith("/");
    if (!isPlain || path.includes("\0")) {
      throw invalidName(`file:${path}`, "the path has to be absolute, without .., . and empty parts");
    }
  },
  async locate(path) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) return undefined;
    return access(path, constants.X_OK).then(
      () => `file:${path}`,
      () => undefined,
    );
  },
  entrypoint: async ({ name }) => ({ argv: [name], env: {} }),
};
