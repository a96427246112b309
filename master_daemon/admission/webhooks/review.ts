import { parseJson } from "../../../core/api/json.ts";
import { asJson, isJsonObject } from "../../../core/api/json_object.ts";
import { jsonText } from "../../../core/api/json_text.ts";
import type { Kind } from "../../../core/api/kind.ts";
import type { Json, JsonObject, KubeObject } from "../../../core/api/meta.ts";
import type { Status } from "../../../core/api/status.ts";
import type { AdmissionRequest } from "../plugin.ts";

/** A request as it is shown to a webhook, or to the expressions of a policy: in the version of `kind`. */
export interface Shown {
  readonly kind: Kind;
  readonly object: KubeObject | undefined;
  readonly previous: KubeObject | undefined;
}

/** What a webhook said. */
export interface Verdict {
  readonly allowed: boolean;
  readonly result: Partial<Status> | undefined;
  readonly patch: Json | undefined;
  readonly warnings: readonly string[];
  readonly auditAnnotations: ReadonlyMap<string, string>;
}

/** Longest text that is taken of a webhook: a warning, an annotation. */
const maxText = 10_000;
const maxTexts = 100;

/** The request of an AdmissionReview, without its objects. @see https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/ */
export function reviewRequest(request: AdmissionRequest, { kind }: Shown, uid: string): JsonObject {
  const { key, subresource, user, operation, dryRun } = request;
  const gvk = ({ group, version, kind: name }: Kind) => ({ group, version, kind: name });
  const gvr = ({ group, version, plural }: Kind) => ({ group, version, resource: plural });
  const scoped = subresource === undefined ? {} : { subResource: subresource };
  return {
    uid,
    kind: gvk(kind),
    resource: gvr(kind),
    ...scoped,
    requestKind: gvk(request.kind),
    requestResource: gvr(request.kind),
    ...(subresource === undefined ? {} : { requestSubResource: subresource }),
    ...(key.name ? { name: key.name } : {}),
    ...(key.namespace ? { namespace: key.namespace } : {}),
    operation,
    userInfo: {
      username: user.username,
      ...(user.uid ? { uid: user.uid } : {}),
      groups: user.groups,
      ...(user.extra ? { extra: user.extra } : {}),
    },
    dryRun,
  };
}

/** The AdmissionReview that is sent, as bytes. */
export function reviewBytes(request: AdmissionRequest, shown: Shown, { uid, version }: ReviewOptions): Uint8Array {
  const typed = (object: KubeObject | undefined) =>
    object === undefined
      ? null
      : asJson({ ...object, kind: object.kind ?? shown.kind.kind, apiVersion: object.apiVersion });
  const review: JsonObject = {
    kind: "AdmissionReview",
    apiVersion: `admission.k8s.io/${version}`,
    request: {
      ...reviewRequest(request, shown, uid),
      object: typed(shown.object),
      oldObject: typed(shown.previous),
      options: request.options,
    },
  };
  return new TextEncoder().encode(jsonText(review));
}

/** How a review is written, and which it answers. */
export interface ReviewOptions {
  readonly uid: string;
  readonly version: "v1" | "v1beta1";
}

/**
 * Reads a webhook's answer.
 *
 * @throws RangeError with Kubernetes' words for what is wrong with it
 */
export function readVerdict(body: Uint8Array, { uid, version }: ReviewOptions, mutating: boolean): Verdict {
  const review = parseJson(body);
  if (!isJsonObject(review)) throw new RangeError("webhook response was absent");
  const { response, kind = "", apiVersion = "" } = review;
  if (!isJsonObject(response)) throw new RangeError("webhook response was absent");
  if (version === "v1") {
    if (response["uid"] !== uid)
      throw new RangeError(`expected response.uid=${JSON.stringify(uid)}, got ${jsonText(response["uid"] ?? "")}`);
    if (kind !== "AdmissionReview" || apiVersion !== "admission.k8s.io/v1")
      throw new RangeError(
        `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${gvkText(apiVersion, kind)}`,
      );
  }
  const { status, warnings, auditAnnotations } = response;
  return {
    allowed: response["allowed"] === true,
    result: isJsonObject(status) ? (status as Partial<Status>) : undefined,
    patch: readPatch(response, version, mutating),
    warnings: (Array.isArray(warnings) ? warnings : [])
      .slice(0, maxTexts)
      .map((text: Json) => String(text).slice(0, maxText)),
    auditAnnotations: new Map(
      Object.entries(isJsonObject(auditAnnotations) ? auditAnnotations : {})
        .slice(0, maxTexts)
        .map(([key, value]) => [key, String(value).slice(0, maxText)]),
    ),
  };
}

function gvkText(apiVersion: Json, kind: Json): string {
  return `${String(apiVersion) || "/"}, Kind=${String(kind)}`;
}

function readPatch(response: JsonObject, version: "v1" | "v1beta1", mutating: boolean): Json | undefined {
  const { patch, patchType } = response;
  const hasPatch = typeof patch === "string" && patch !== "";
  if (version === "v1" && !mutating) {
    if (hasPatch) throw new RangeError("validating webhook may not return response.patch");
    if (typeof patchType === "string") throw new RangeError("validating webhook may not return response.patchType");
  }
  if (!mutating) return undefined;
  if (version === "v1") {
    if (hasPatch && typeof patchType !== "string")
      throw new RangeError("webhook returned response.patch but not response.patchType");
    if (!hasPatch && typeof patchType === "string")
      throw new RangeError("webhook returned response.patchType but not response.patch");
    if (patchType === "") throw new RangeError('webhook returned invalid response.patchType of ""');
    if (hasPatch && patchType !== "JSONPatch") throw new RangeError(`unsupported patch type ${jsonText(patchType)}`);
  }
  return hasPatch ? decodePatch(patch) : undefined;
}

/** A patch that cannot be read: told in words of its own. */
export class UndecodablePatch extends Error {}

function decodePatch(text: string): Json {
  try {
    return parseJson(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
  } catch (cause) {
    throw new UndecodablePatch(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
