import { asObject } from "../core/api/json_object.ts";
import type { KubeObject } from "../core/api/meta.ts";
import { parseManifests } from "../core/api/yaml.ts";
import { apply } from "../core/client/apply.ts";
import type { Client } from "../core/client/client.ts";
import { discover, findResourceOf } from "../core/client/discovery.ts";

/** Applies objects, or manifests as YAML or JSON text, one after the other, as `kubectl apply` does. */
export async function applyManifests(
  client: Client,
  manifests: string | KubeObject | readonly KubeObject[],
): Promise<readonly KubeObject[]> {
  const objects =
    typeof manifests === "string"
      ? parseManifests(manifests, "manifest").map((object) => asObject(object))
      : "kind" in manifests
        ? [manifests]
        : manifests;
  const resources = await discover(client);
  const applied: KubeObject[] = [];
  for (const object of objects) applied.push((await apply(client, findResourceOf(resources, object), object)).object);
  return applied;
}
