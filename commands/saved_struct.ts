import type { KubeObject } from "../core/api/meta.ts";
import { withSavedConfig } from "../core/client/apply.ts";

/** An object that kubectl holds in a structure of Go's, with itself as annotation where that is wanted, written as that is. */
export async function withSavedStruct<T extends KubeObject>(object: T, wanted: boolean): Promise<T> {
  const { structOrder } = await import("../core/api/protobuf/struct_order.ts");
  return withSavedConfig(object, wanted, structOrder(object));
}
