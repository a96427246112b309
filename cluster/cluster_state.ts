import { changePrivateFile, joinPath, readTextFile } from "../core/platform/files.ts";
import { folderTrouble } from "../core/platform/folder_trouble.ts";

/** What a cluster on disk must find again after a restart. */
export interface ClusterState {
  /** The administrator's bearer token. */
  readonly token: string;
  /** Second byte of the cluster's loopback range; see `claimLoopbackRanges()`. */
  readonly secondByte: number;
  /** Range of the services' addresses: those that exist lie in it. */
  readonly serviceRange: string;
}

/**
 * The state kept in a folder; undefined when there is none yet.
 *
 * @throws SyntaxError when the file is damaged, naming it; Error saying what helps when it cannot be read
 */
export async function readState(dataDir: string): Promise<ClusterState | undefined> {
  const path = statePath(dataDir);
  const text = await readTextFile(path).catch((error: unknown) => {
    throw folderTrouble(error, { purpose: "read the cluster's state", folder: dataDir });
  });
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read the cluster's state: ${path} is no JSON`, { cause });
  }
  const { token, secondByte, serviceRange } = (value ?? {}) as Partial<ClusterState>;
  if (
    typeof token !== "string" ||
    token.length < 16 ||
    typeof secondByte !== "number" ||
    typeof serviceRange !== "string"
  ) {
    throw new SyntaxError(`Cannot read the cluster's state: ${path} lacks its token or its ranges`);
  }
  return { token, secondByte, serviceRange };
}

/** Keeps the state in a folder, for its owner's eyes only. @throws Error saying what helps when it cannot be written */
export async function writeState(dataDir: string, state: ClusterState): Promise<void> {
  try {
    await changePrivateFile(statePath(dataDir), () => `${JSON.stringify(state)}\n`);
  } catch (error) {
    throw folderTrouble(error, { purpose: "write the cluster's state", folder: dataDir });
  }
}

function statePath(dataDir: string): string {
  return joinPath(dataDir, "cluster.json");
}
