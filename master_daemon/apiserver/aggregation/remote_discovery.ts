import { parseJson } from "../../../core/api/json.ts";
import { isJsonObject } from "../../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import type { APIService } from "../../../core/kinds/api_service.ts";
import { fetchRemote } from "./availability.ts";

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/** What a version of a group has on another server, as aggregated discovery tells it. */
export async function discoverRemote(
  apiService: APIService,
  options: Parameters<typeof fetchRemote>[2],
): Promise<readonly JsonObject[]> {
  const { group = "", version = "" } = apiService.spec;
  const all = await fetchRemote(apiService, "/apis", options, aggregated);
  const document = all.status === 200 ? parseJson(all.body) : undefined;
  if (isJsonObject(document) && document["kind"] === "APIGroupDiscoveryList") {
    const found = objectsOf(document["items"])
      .filter(({ metadata }) => isJsonObject(metadata) && metadata["name"] === group)
      .flatMap(({ versions }) => objectsOf(versions))
      .find((one) => one["version"] === version);
    if (found) return objectsOf(found["resources"]);
  }
  const { status, body } = await fetchRemote(apiService, `/apis/${group}/${version}`, options);
  const list = status === 200 ? parseJson(body) : undefined;
  return isJsonObject(list) ? fromOlder(objectsOf(list["resources"]), group, version) : [];
}

/** Resources of the older document: subresources stand beside what they are of. */
function fromOlder(resources: readonly JsonObject[], group: string, version: string): readonly JsonObject[] {
  const kindOf = (one: JsonObject) => ({
    group: one["group"] ?? group,
    version: one["version"] ?? version,
    kind: one["kind"] ?? "",
  });
  return resources
    .filter(({ name }) => !String(name).includes("/"))
    .map((one) => {
      const subresources = resources
        .filter(({ name }) => String(name).startsWith(`${String(one["name"])}/`))
        .map((sub) => ({
          subresource: String(sub["name"]).slice(String(one["name"]).length + 1),
          responseKind: kindOf(sub),
          verbs: sub["verbs"] ?? [],
        }));
      return {
        resource: one["name"] ?? "",
        responseKind: kindOf(one),
        scope: one["namespaced"] === true ? "Namespaced" : "Cluster",
        singularResource: one["singularName"] ?? "",
        verbs: one["verbs"] ?? [],
        ...(one["shortNames"] ? { shortNames: one["shortNames"] } : {}),
        ...(one["categories"] ? { categories: one["categories"] } : {}),
        ...(subresources.length > 0 ? { subresources } : {}),
      };
    });
}

function objectsOf(list: Json | undefined): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}
