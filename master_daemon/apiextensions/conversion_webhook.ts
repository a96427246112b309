import { parseJson } from "../../core/api/json.ts";
import { asJson, asObject, getOwn, isJsonObject } from "../../core/api/json_object.ts";
import { jsonText } from "../../core/api/json_text.ts";
import { validateAnnotations, validateLabels } from "../../core/api/label_validation.ts";
import type { Json, JsonObject, KubeObject, StringMap } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type { CustomResourceDefinition, WebhookClientConfig } from "../../core/kinds/custom_resource_definition.ts";
import { conversionOf } from "../../core/kinds/custom_resource_definition.ts";
import { randomUuid } from "../../core/platform/uuid.ts";
import type { Converter } from "./conversion.ts";

/** Sends a review to a webhook and gives its answer's body. @throws Error why it could not be asked, in Go's words */
export type PostReview = (config: WebhookClientConfig, body: Uint8Array) => Promise<Uint8Array>;

/** Longest answer that is read: a slice of a list. */
const maxAnswer = { maxBytes: 64 * 1024 * 1024, maxValues: 4_000_000 };

interface Review {
  readonly uid: string;
  /** `v1` or `v1beta1`. */
  readonly version: string;
}

/**
 * Has objects converted by the webhook of their definition, all that it is given in one call.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion
 */
export function webhookConverter({ spec }: CustomResourceDefinition, post: PostReview): Converter {
  const { clientConfig = {}, conversionReviewVersions = [] } = conversionOf(spec).webhook ?? {};
  const version = conversionReviewVersions.find((one) => one === "v1" || one === "v1beta1");

  return async (objects, apiVersion) => {
    const [first] = objects;
    if (!first) return [];
    const kind = `${first.apiVersion}, Kind=${first.kind}${objects.length > 1 ? "List" : ""}`;
    const fail = (what: string) => new StatusError(500, "Unknown", `conversion webhook for ${kind} ${what}`);
    if (version === undefined) throw new StatusError(500, "Unknown", "no supported conversion review versions");
    const review = { uid: randomUuid(), version };
    const converted = await ask(objects, apiVersion, review).catch((error: unknown) => {
      throw fail(`failed: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (converted.length !== objects.length)
      throw fail(`returned ${converted.length} objects, expected ${objects.length}`);
    return objects.map((object, index) => {
      try {
        return accept(object, converted[index] ?? null, apiVersion);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        throw fail(`returned invalid converted object at index ${index}: ${error.message}`);
      }
    });
  };

  async function ask(
    objects: readonly KubeObject[],
    desiredAPIVersion: string,
    review: Review,
  ): Promise<readonly Json[]> {
    const request = { uid: review.uid, desiredAPIVersion, objects };
    const body = jsonText({
      kind: "ConversionReview",
      apiVersion: `apiextensions.k8s.io/${review.version}`,
      request,
    });
    return readReview(parseJson(await post(clientConfig, new TextEncoder().encode(body)), maxAnswer), review);
  }
}

/** The objects of an answer. @throws Error what is wrong with it */
function readReview(answer: Json, { uid, version }: Review): readonly Json[] {
  const document = isJsonObject(answer) ? answer : {};
  const own = (name: string) => String(getOwn(document, name) ?? "");
  const [kind, apiVersion] = [own("kind"), own("apiVersion")];
  const wanted = `apiextensions.k8s.io/${version}`;
  if (version === "v1" && (kind !== "ConversionReview" || apiVersion !== wanted))
    throw new Error(`expected webhook response of ${wanted}, Kind=ConversionReview, got ${apiVersion}, Kind=${kind}`);
  const response = getOwn(document, "response");
  if (!isJsonObject(response)) throw new Error("no response provided");
  const sent = getOwn(response, "uid") ?? "";
  if (version === "v1" && sent !== uid)
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(sent)}`);
  const result = getOwn(response, "result");
  const status = isJsonObject(result) ? getOwn(result, "status") : undefined;
  if (status !== "Success") {
    const message = isJsonObject(result) ? getOwn(result, "message") : undefined;
    if (typeof message === "string" && message !== "") throw new Error(message);
    throw new Error(`response.result.status was '${typeof status === "string" ? status : ""}', not 'Success'`);
  }
  const objects = getOwn(response, "convertedObjects");
  return Array.isArray(objects) ? objects : [];
}

/** The converted object, with the metadata that only the server decides. @throws TypeError why it cannot stand for the original */
function accept(original: KubeObject, converted: Json, apiVersion: string): KubeObject {
  if (!isJsonObject(converted)) throw new TypeError("Object 'Kind' is missing");
  const [group, kind] = [getOwn(converted, "apiVersion") ?? "", getOwn(converted, "kind") ?? ""];
  if (group !== apiVersion)
    throw new TypeError(`invalid groupVersion (expected ${apiVersion}, received ${String(group)})`);
  if (kind !== original.kind) throw new TypeError(`invalid kind (expected ${original.kind}, received ${String(kind)})`);
  const metadata = getOwn(converted, "metadata");
  if (metadata === undefined) throw new TypeError("missing metadata in converted object");
  if (!isJsonObject(metadata)) throw new TypeError(`invalid metadata of type ${typeof metadata} in converted object`);
  for (const [member, name] of [
    ["name", "name"],
    ["namespace", "namespace"],
    ["uid", "UID"],
  ] as const) {
    const [before, after] = [original.metadata[member] ?? "", getOwn(metadata, member) ?? ""];
    if (before !== after) throw new TypeError(`must have the same ${name}: ${before} != ${String(after)}`);
  }
  const { labels: _labels, annotations: _annotations, ...kept } = original.metadata;
  return asObject({
    ...converted,
    metadata: {
      ...asJson(kept),
      ...textsOf(metadata, "labels", validateLabels),
      ...textsOf(metadata, "annotations", validateAnnotations),
    },
  });
}

function textsOf(
  metadata: JsonObject,
  member: "labels" | "annotations",
  validate: typeof validateLabels,
): Readonly<Record<string, StringMap>> {
  const texts = getOwn(metadata, member) ?? null;
  if (texts === null) return {};
  if (!isJsonObject(texts))
    throw new TypeError(`invalid metadata.${member} of type ${typeof texts} in converted object`);
  for (const [key, value] of Object.entries(texts))
    if (typeof value !== "string")
      throw new TypeError(`metadata.${member}[${key}] must be a string, but is ${typeof value} in converted object`);
  const [problem] = validate(texts as StringMap, `metadata.${member}`);
  if (problem) throw new TypeError(`${problem.field}: ${problem.message}`);
  return { [member]: texts as StringMap };
}
