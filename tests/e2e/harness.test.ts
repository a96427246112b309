import { expect, it } from "vitest";
import { run } from "./harness.ts";

it("run() says how a command ended that did not read what it was sent", async () => {
  expect(await run(["sh", "-c", "exec <&-; exit 3"], { input: "x".repeat(1 << 22) })).toMatchObject({ code: 3 });
});
