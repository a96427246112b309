import { describe, expect, it } from "vitest";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { Tasks } from "../../../core/util/tasks.ts";

describe("DisposalStack", () => {
  it("closes in reverse order, waiting for each", async () => {
    const closed: string[] = [];
    const stack = new DisposalStack();
    stack.use({
      [Symbol.asyncDispose]: async () => {
        await Promise.resolve();
        closed.push("first");
      },
    });
    stack.use({ [Symbol.dispose]: () => void closed.push("second") });
    stack.defer(() => closed.push("third"));
    await stack[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
    expect(closed).toEqual(["third", "second", "first"]);
  });

  it("closes the rest when one fails, then throws", async () => {
    const closed: string[] = [];
    const stack = new DisposalStack();
    stack.defer(() => closed.push("first"));
    stack.defer(() => {
      throw new Error("cannot close");
    });
    await expect(stack[Symbol.asyncDispose]()).rejects.toThrow("cannot close");
    expect(closed).toEqual(["first"]);
  });

  it("throws every failure when several fail", async () => {
    const stack = new DisposalStack();
    for (const name of ["a", "b"])
      stack.defer(() => {
        throw new Error(name);
      });
    const error = await stack[Symbol.asyncDispose]().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors.map(String)).toEqual(["Error: b", "Error: a"]);
  });
});

describe("Tasks", () => {
  const untilAborted = (signal: AbortSignal) =>
    new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

  it("aborts what runs and waits for it to end, when disposed", async () => {
    const errors: unknown[] = [];
    const tasks = new Tasks({ onError: (error) => errors.push(error) });
    let ended = false;
    tasks.run(async (signal) => {
      await untilAborted(signal).catch(() => {});
      await Promise.resolve();
      ended = true;
    });
    tasks.run(untilAborted);
    await tasks[Symbol.asyncDispose]();
    expect(ended).toBe(true);
    expect(errors).toEqual([]);
  });

  it("reports what a task throws, also synchronously", async () => {
    const errors: unknown[] = [];
    const tasks = new Tasks({ onError: (error) => errors.push(String(error)) });
    tasks.run(async () => {
      throw new Error("later");
    });
    tasks.run(() => {
      throw new Error("at once");
    });
    await new FakeClock().advance(0);
    await tasks[Symbol.asyncDispose]();
    expect(errors.toSorted()).toEqual(["Error: at once", "Error: later"]);
  });

  it("follows the signal that it was given", async () => {
    const controller = new AbortController();
    const tasks = new Tasks({ onError: () => {}, signal: controller.signal });
    expect(tasks.signal.aborted).toBe(false);
    controller.abort(new Error("stop"));
    expect(tasks.signal.reason).toEqual(new Error("stop"));
    expect(new Tasks({ onError: () => {}, signal: controller.signal }).signal.aborted).toBe(true);
    await tasks[Symbol.asyncDispose]();
  });
});
