import { describe, expect, it } from "vitest";
import { AsyncQueue } from "../../../core/util/async_queue.ts";
import { cpuMsOf } from "../../cpu_time.ts";

async function read<T>(queue: AsyncQueue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

describe("AsyncQueue", () => {
  it("delivers what was pushed before and after the consumer came, in order", async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    queue.push(2);
    const reading = read(queue);
    await Promise.resolve();
    queue.push(3);
    queue.end();
    expect(queue.push(4)).toBe(false);
    expect(await reading).toEqual([1, 2, 3]);
  });

  it("throws the reason of fail() to the consumer after what was pushed", async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    queue.fail(new Error("gone"));
    const seen: number[] = [];
    await expect(async () => {
      for await (const item of queue) seen.push(item);
    }).rejects.toThrow("gone");
    expect(seen).toEqual([1]);
  });

  it("drops everything and fails when its budget is spent", async () => {
    const queue = new AsyncQueue<string>({ limit: 5, sizeOf: (text) => text.length });
    expect(queue.push("abc")).toBe(true);
    expect(queue.push("def")).toBe(false);
    expect(queue.push("g")).toBe(false);
    await expect(read(queue)).rejects.toThrow(RangeError);
  });

  it("gives the budget back as items are read", async () => {
    const queue = new AsyncQueue<string>({ limit: 3, sizeOf: (text) => text.length });
    queue.push("abc");
    const iterator = queue[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toBe("abc");
    expect(queue.push("def")).toBe(true);
    expect((await iterator.next()).value).toBe("def");
  });

  it("stops in the middle of a batch when the budget is spent meanwhile", async () => {
    const queue = new AsyncQueue<number>({ limit: 3 });
    for (const item of [1, 2, 3]) queue.push(item);
    const iterator = queue[Symbol.asyncIterator]();
    await iterator.next();
    queue.push(4);
    queue.push(5);
    await expect(iterator.next()).rejects.toThrow("too slow");
  });

  it("takes nothing more once the consumer left", async () => {
    const queue = new AsyncQueue<number>();
    queue.push(1);
    for await (const _ of queue) break;
    expect(queue.push(2)).toBe(false);
  });

  it("reads a long queue in linear time", async () => {
    const queue = new AsyncQueue<number>();
    for (let item = 0; item < 300_000; item++) queue.push(item);
    queue.end();
    const cpuMs = await cpuMsOf(async () => expect(await read(queue)).toHaveLength(300_000));
    expect(cpuMs).toBeLessThan(5_000);
  });
});
