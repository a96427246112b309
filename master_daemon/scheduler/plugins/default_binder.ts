import type { ResourceType } from "../../../core/api/kind.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import type { SchedulerPlugin } from "../framework.ts";

/** What is posted to `pods/NAME/binding`. */
interface Binding extends KubeObject {
  readonly target: { readonly apiVersion: "v1"; readonly kind: "Node"; readonly name: string };
}

const podBinding: ResourceType<Binding> = {
  group: "",
  version: "v1",
  kind: "Binding",
  plural: "pods",
  namespaced: true,
};

/** Tells the API which node a pod goes to. */
export const defaultBinder: SchedulerPlugin = {
  name: "DefaultBinder",
  async bind(pod, node, { client, signal }) {
    const { namespace, name = "", uid } = pod.metadata;
    const binding: Binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}) },
      target: { apiVersion: "v1", kind: "Node", name: node.name },
    };
    await client.create(podBinding, binding, { subresource: "binding", signal });
  },
};
