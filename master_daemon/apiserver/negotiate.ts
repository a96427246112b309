import { StatusError } from "../../core/api/status.ts";

/** In which form an answer is wanted. */
export interface Representation {
  readonly format: "json" | "yaml";
  /** Transformation asked for with `as=`. */
  readonly as?: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
  /** Version of meta.k8s.io for the transformation. */
  readonly version?: "v1" | "v1beta1";
}

/** Media types that are answered, for messages. */
const acceptedMediaTypes: readonly string[] = ["application/json", "application/yaml"];

/** One part of an Accept header: the media type and its parameters. */
export interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The parts of an Accept header, most wanted first. */
export function parseAccept(header: string | undefined): readonly MediaRange[] {
  const ranges = (header ?? "*/*")
    .split(",", 64)
    .map((part) => {
      const [type = "", ...parameters] = part.split(";").map((text) => text.trim());
      return {
        type: type.toLowerCase(),
        parameters: new Map(
          parameters.map((text): [string, string] => {
            const equals = text.indexOf("=");
            return equals < 0
              ? [text.toLowerCase(), ""]
              : [text.slice(0, equals).toLowerCase(), text.slice(equals + 1).replace(/^"|"$/g, "")];
          }),
        ),
      };
    })
    .filter(({ type }) => type !== "");
  const weight = ({ parameters }: MediaRange) => Number(parameters.get("q") ?? "1") || 0;
  return ranges.filter((range) => weight(range) > 0).sort((a, b) => weight(b) - weight(a));
}

/**
 * Chooses the form of an answer.
 *
 * @param hasMetadata whether there is metadata to show by itself, and a table; default true
 * @throws StatusError NotAcceptable when nothing that is asked for can be given
 */
export function negotiate(header: string | undefined, hasMetadata = true): Representation {
  const ranges = parseAccept(header || undefined);
  for (const { type, parameters } of ranges) {
    const format = formatOf(type);
    if (!format) continue;
    const as = parameters.get("as");
    if (as === undefined) return { format };
    if (!hasMetadata) continue;
    const version = parameters.get("v");
    if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) continue;
    if (as === "Table" || as === "PartialObjectMetadata" || as === "PartialObjectMetadataList")
      return { format, as, version };
  }
  throw StatusError.notAcceptable(acceptedMediaTypes);
}

function formatOf(type: string): "json" | "yaml" | undefined {
  if (type === "application/json" || type === "*/*" || type === "application/*") return "json";
  return type === "application/yaml" ? "yaml" : undefined;
}

/** The bare media type of a Content-Type header; `""` when there is none. */
export function mediaTypeOf(header: string | undefined): string {
  return (header ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
