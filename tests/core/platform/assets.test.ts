import { describe, expect, it } from "vitest";
import { readPackedAsset } from "../../../core/platform/assets.ts";

describe("readPackedAsset()", () => {
  it("gives undefined for what is not there", async () => {
    expect(await readPackedAsset("no-such-asset.json.gz")).toBeUndefined();
  });
});
