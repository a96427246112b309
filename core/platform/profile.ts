import { open } from "node:fs/promises";
import { Session } from "node:inspector/promises";

/** Ends the profile and writes it to a file of its owner's. */
export type StopProfile = (path: string) => Promise<void>;

/**
 * Notes what this process is busy with (`cpu`), or what its memory holds when that is ended (`heap`), in the formats of
 * Chrome's developer tools.
 */
export async function startProfile(kind: "cpu" | "heap"): Promise<StopProfile> {
  const session = new Session();
  session.connect();
  if (kind === "cpu") {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
  }
  return async (path) => {
    const file = await open(path, "w", 0o600);
    try {
      if (kind === "cpu") {
        const { profile } = await session.post("Profiler.stop");
        await file.writeFile(JSON.stringify(profile));
        return;
      }
      const chunks: string[] = [];
      session.on("HeapProfiler.addHeapSnapshotChunk", ({ params }) => chunks.push(params.chunk));
      await session.post("HeapProfiler.takeHeapSnapshot");
      await file.writeFile(chunks.join(""));
    } finally {
      session.disconnect();
      await file.close();
    }
  };
}
