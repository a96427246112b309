import { changePrivateFile, joinPath, readTextFile } from "../core/platform/files.ts";
import { randomToken } from "../core/platform/uuid.ts";

/** What a cluster on disk must find again after a restart. */
export interface ClusterState {
  /** The administrator's bearer token. */
  readonly token: string;
  /** Second byte of the cluster's loopback range; see `claimLoopbackRanges()`. */
  readonly secondByte: number;
}

/**
 * The state kept in `dataDir`, made with `choose` the first time. Without a folder it lives as long as the process.
 *
 * @throws SyntaxError when the file is damaged, naming it
 */
export async function clusterState(dataDir: string | undefined, choose: () => Promise<number>): Promise<ClusterState> {
  if (dataDir === undefined) return { token: randomToken(), secondByte: await choose() };
  const path = joinPath(dataDir, "cluster.json");
  const text = await readTextFile(path);
  if (text !== undefined) return parseState(text, path);
  const state = { token: randomToken(), secondByte: await choose() };
  await changePrivateFile(path, () => `${JSON.stringify(state)}\n`);
  return state;
}

function parseState(text: string, path: string): ClusterState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read the cluster's state: ${path} is no JSON`, { cause });
  }
  const { token, secondByte } = (value ?? {}) as Partial<ClusterState>;
  if (typeof token !== "string" || token.length < 16 || typeof secondByte !== "number") {
    throw new SyntaxError(`Cannot read the cluster's state: ${path} lacks its token or its range`);
  }
  return { token, secondByte };
}
