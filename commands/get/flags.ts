import type { FlagOf, FlagWithDefault } from "../../core/flags/flag.ts";
import { manifestFlags } from "../manifests.ts";
import { printFlags } from "../output/object_printer.ts";

/** The flags that say of which objects, in verbs that look at some. */
export const selectionFlags: {
  readonly "all-namespaces": FlagOf<"boolean">;
  readonly selector: FlagOf<"string">;
} = {
  "all-namespaces": { type: "boolean", short: "A", description: "Objects of all namespaces." },
  selector: {
    type: "string",
    short: "l",
    placeholder: "labels",
    description: "Label selector, e.g. -l app=web,tier!=cache.",
  },
};

/** How many objects to ask for at a time. */
export const chunkSizeFlag: FlagWithDefault<"number", 500> = {
  type: "number",
  default: 500,
  placeholder: "n",
  description: "Objects to ask for at a time; 0 asks for all at once.",
};

type Get = typeof manifestFlags &
  typeof printFlags &
  typeof selectionFlags & {
    readonly [Name in
      | "watch"
      | "watch-only"
      | "output-watch-events"
      | "show-labels"
      | "show-kind"
      | "no-headers"
      | "ignore-not-found"
      | "decode"]: FlagOf<"boolean">;
  } & {
    readonly [Name in "field-selector" | "sort-by" | "raw" | "subresource" | "color"]: FlagOf<"string">;
  } & {
    readonly "label-columns": FlagOf<"list">;
    readonly "chunk-size": FlagWithDefault<"number", 500>;
    readonly "server-print": FlagWithDefault<"boolean", true>;
  };

/** The flags of get. */
export const getFlags: Get = {
  ...printFlags,
  output: {
    ...printFlags.output,
    description: `${printFlags.output.description}, custom-columns=..., custom-columns-file=..., wide.`,
  },
  ...selectionFlags,
  ...manifestFlags,
  watch: { type: "boolean", short: "w", description: "After printing the objects, go on printing changes." },
  "watch-only": { type: "boolean", description: "Print changes only." },
  "output-watch-events": { type: "boolean", description: "With --watch: print what happened to each object too." },
  "field-selector": {
    type: "string",
    placeholder: "fields",
    description: "Field selector, e.g. status.phase=Running.",
  },
  "sort-by": { type: "string", placeholder: "path", description: "JSONPath of the field to sort by." },
  "show-labels": { type: "boolean", description: "Show all labels as the last column." },
  "label-columns": { type: "list", short: "L", placeholder: "labels", description: "Labels to show as columns." },
  "show-kind": { type: "boolean", description: "Put the resource before each name." },
  "no-headers": { type: "boolean", description: "Leave out the headers." },
  "ignore-not-found": { type: "boolean", description: "A missing object is no error." },
  "chunk-size": chunkSizeFlag,
  subresource: { type: "string", placeholder: "name", description: "Get this part of the object: status or scale." },
  raw: { type: "string", placeholder: "path", description: "Print what the server answers for this path." },
  "server-print": {
    type: "boolean",
    default: true,
    description: "Let the server make the table; false: names and ages only.",
  },
  decode: { type: "boolean", description: "Of secrets: print the values, decoded." },
  color: {
    type: "string",
    implied: "always",
    placeholder: "when",
    description: "Colour states: auto (on a terminal), always or never.",
  },
};
