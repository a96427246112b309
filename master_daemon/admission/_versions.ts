import type { Kind } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import type { AdmissionRequest } from "./plugin.ts";
import type { Shown } from "./webhooks/review.ts";

/** A request in the version of another kind that is stored as the same. */
export async function shownAs(kind: Kind, request: AdmissionRequest): Promise<Shown> {
  const { object, previous } = request;
  const convert = async (one: KubeObject | undefined) => one && (await convertTo(kind, request.kind, one));
  return { kind, object: await convert(object), previous: await convert(previous) };
}

/** An object of one version as one of another, by way of that in which it is stored. */
export async function convertTo(to: Kind, from: Kind, object: KubeObject): Promise<KubeObject> {
  if (to === from) return object;
  const [stored = object] = from.storedAs ? await from.storedAs.toStored([object]) : [object];
  const [converted = stored] = to.storedAs ? await to.storedAs.fromStored([stored]) : [stored];
  return converted;
}
