import { describe, expect, it } from "vitest";
import { messagePair } from "../../../../master_daemon/apiserver/streaming/message_pair.ts";

describe("messagePair()", () => {
  it("delivers in order, each send resolved when its message is taken", async () => {
    const [near, far] = messagePair("p");
    const log: string[] = [];
    const sends = [1, 2, 3].map((n) => far.send(Uint8Array.of(n)).then(() => log.push(`sent ${n}`)));
    const messages = near[Symbol.asyncIterator]();
    for (const n of [1, 2, 3]) {
      expect([...((await messages.next()).value ?? [])]).toEqual([n]);
      log.push(`got ${n}`);
    }
    await Promise.all(sends);
    expect(log.filter((text) => text.startsWith("sent"))).toEqual(["sent 1", "sent 2", "sent 3"]);
  });

  it("close() ends both ends, and fails sends that nobody took", async () => {
    const [near, far] = messagePair("p");
    const sent = far.send(Uint8Array.of(1));
    await Promise.resolve();
    near.close();
    await expect(sent).rejects.toThrow("closed");
    await expect(far.send(Uint8Array.of(2))).rejects.toThrow("closed");
    expect((await far[Symbol.asyncIterator]().next()).done).toBe(true);
    expect((await near[Symbol.asyncIterator]().next()).done).toBe(true);
  });
});
