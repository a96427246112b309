import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** Something that the kernel itself said. */
export interface KernelRecord {
  /** Grows with each record, others' too. */
  readonly sequence: number;
  readonly text: string;
}

/** Larger than any record. */
const recordBytes = 8192;
/** More than the kernel keeps unless it is told to. */
const maxRecords = 100_000;

/**
 * What the kernel has said so far and still knows, oldest first. Empty where this user may not read it.
 *
 * @see https://www.kernel.org/doc/Documentation/ABI/testing/dev-kmsg
 */
export async function kernelLog(path = "/dev/kmsg"): Promise<readonly KernelRecord[]> {
  // It would wait for what the kernel has not said yet.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (!file) return [];
  const records: KernelRecord[] = [];
  const buffer = new Uint8Array(recordBytes);
  const decoder = new TextDecoder();
  try {
    for (let reads = 0; reads < maxRecords; reads++) {
      const count = await file.read(buffer, 0, recordBytes, null).then(
        ({ bytesRead }) => bytesRead,
        // Overwritten before it was read: the next read has what comes after.
        (error: NodeJS.ErrnoException) => (error.code === "EPIPE" ? undefined : 0),
      );
      if (count === 0) break;
      if (count !== undefined) records.push(...parseRecords(decoder.decode(buffer.subarray(0, count))));
    }
  } finally {
    await file.close();
  }
  return records;
}

/** Records as they stand in the file. What programs wrote there is left out, and what only explains a record. */
function parseRecords(text: string): readonly KernelRecord[] {
  return text.split("\n").flatMap((line) => {
    const [, priority, sequence, said] = /^(\d+),(\d+),[^;]*;(.*)$/.exec(line) ?? [];
    const isKernels = priority !== undefined && Number(priority) < 8;
    return isKernels && said !== undefined ? [{ sequence: Number(sequence), text: said }] : [];
  });
}
