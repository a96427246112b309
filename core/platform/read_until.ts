import type { Socket } from "node:net";

const maxAnswerBytes = 1024 * 1024;

/**
 * Reads the bytes of a connection that `end` says belong to an answer, and puts the rest back.
 *
 * @param end how many bytes belong to it; undefined while that cannot be told
 * @throws Error when the connection ends or is silent for `timeoutMs` before that, or after 1 MiB
 */
export function readUntil(
  socket: Socket,
  end: (bytes: Buffer) => number | undefined,
  timeoutMs: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const done = (error: Error | undefined, value = Buffer.alloc(0)) => {
      socket.off("readable", onReadable).off("error", onError).off("close", onClose).off("timeout", onTimeout);
      socket.setTimeout(0);
      if (error) reject(error);
      else resolve(value);
    };
    const onError = (error: Error) => done(error);
    const onClose = () => done(new Error("The connection ended too early"));
    const onTimeout = () => done(Object.assign(new Error("Nothing was answered in time"), { code: "ETIMEDOUT" }));
    const onReadable = () => {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
        bytes = Buffer.concat([bytes, chunk]);
        const size = end(bytes);
        if (size !== undefined) {
          if (bytes.length > size) socket.unshift(bytes.subarray(size));
          return done(undefined, bytes.subarray(0, size));
        }
        if (bytes.length > maxAnswerBytes) return done(new Error("The answer is too long"));
      }
    };
    socket.setTimeout(timeoutMs);
    socket.on("readable", onReadable).on("error", onError).on("close", onClose).on("timeout", onTimeout);
    onReadable();
  });
}
