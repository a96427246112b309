import { describe, expect, it } from "vitest";
import { ignoreReason, StatusError } from "../../../core/api/status.ts";

describe("ignoreReason()", () => {
  const missing = StatusError.notFound({ group: "", plural: "pods" }, "web");

  it.each([
    ["one reason", ["NotFound"] as const],
    ["one of several reasons", ["Conflict", "NotFound"] as const],
  ])("answers undefined, when a call fails for %s", async (_, reasons) => {
    expect(await Promise.reject(missing).catch(ignoreReason(...reasons))).toBeUndefined();
  });

  it("passes the failure on, when a call fails for another reason", async () => {
    await expect(Promise.reject(missing).catch(ignoreReason("Conflict"))).rejects.toBe(missing);
    const other = new TypeError("NotFound");
    await expect(Promise.reject(other).catch(ignoreReason("NotFound"))).rejects.toBe(other);
  });
});
