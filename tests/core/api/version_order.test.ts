import { expect, it } from "vitest";
import { compareVersions } from "../../../core/api/version_order.ts";

it("compareVersions() puts what is stable first, then what is newest", () => {
  const sorted = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"];
  const shuffled = ["foo10", "v3beta1", "v1", "v12alpha1", "v10", "foo1", "v11alpha2", "v11beta2", "v2", "v10beta3"];
  expect(shuffled.sort(compareVersions)).toEqual(sorted);
});
