import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const unpack = promisify(gunzip);
/** More than any packed file holds. */
const maxBytes = 4 * 1024 * 1024;

/** Folders above this module that are looked at: enough for `dist/` from `core/platform` and for chunks inside `dist`. */
const maxAbove = 4;

/**
 * Text of a packed file that is shipped with the program, e.g. `k8s-schema.json.gz`: beside the bundle, or in `dist` when
 * the program runs from its sources. Undefined when it is not there (sources that were not built, modules from a URL).
 */
export async function readPackedAsset(name: string): Promise<string | undefined> {
  const packed = await findAsset(name);
  // In one piece: by default it comes in hundreds, each of which costs a turn of the event loop.
  return packed && (await unpack(packed, { chunkSize: maxBytes })).toString("utf8");
}

/** Text of a file that is shipped with the program, e.g. `examples/hello.yaml`; undefined when it is not there. */
export async function readTextAsset(name: string): Promise<string | undefined> {
  return (await findAsset(name))?.toString("utf8");
}

async function findAsset(name: string): Promise<Buffer | undefined> {
  let folder: string | undefined = moduleFolder();
  for (let above = 0; folder !== undefined && above <= maxAbove; above++) {
    for (const file of [join(folder, name), join(folder, "dist", name)]) {
      const bytes = await readFile(file).catch(ignoreMissing);
      if (bytes) return bytes;
    }
    const parent = dirname(folder);
    folder = parent === folder ? undefined : parent;
  }
  return undefined;
}

/** The folder of this code; bundled as CommonJS it has no `import.meta`. */
function moduleFolder(): string | undefined {
  return import.meta.dirname ?? (typeof __dirname === "string" ? __dirname : undefined);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
