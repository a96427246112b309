import { StatusError } from "../../core/api/status.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import type { AdmissionRequest } from "./plugin.ts";

/** Whether a request is about objects of a resource themselves, not about a subresource of theirs. */
export function isAbout({ kind, subresource }: AdmissionRequest, group: string, plural: string): boolean {
  return kind.group === group && kind.plural === plural && subresource === undefined;
}

/** Whether a request is about pods themselves. */
export function isAboutPods(request: AdmissionRequest): boolean {
  return isAbout(request, "", "pods");
}

/** The pod of a request that {@linkcode isAboutPods}. */
export function podOf({ object }: AdmissionRequest): Pod {
  return object as Pod;
}

/**
 * A refusal as Kubernetes' plug-ins word it. Of several causes each is told once, in brackets.
 *
 * @see k8s.io/apiserver/pkg/admission/errors.go NewForbidden
 */
export function refusal(request: AdmissionRequest, ...causes: readonly string[]): StatusError {
  const { kind, key, object } = request;
  const name = key.name || object?.metadata.name || object?.metadata.generateName || "Unknown";
  const texts = [...new Set(causes)];
  return StatusError.forbidden(kind, name, texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`);
}
