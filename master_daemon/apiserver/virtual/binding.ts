import { bind } from "../subresources/binding.ts";
import type { VirtualResource } from "./virtual_resource.ts";

/** POST on `/bindings`: the older way to give a pod its node. */
export const binding: VirtualResource = {
  group: "",
  version: "v1",
  kind: "Binding",
  plural: "bindings",
  namespaced: true,
  schema: "io.k8s.api.core.v1.Binding",
  serve: bind,
};
