import { protobufFacts } from "./facts_table.ts";

/** One field of a message. */
export interface FieldFacts {
  /** Its name in JSON; `""` when it is embedded. */
  readonly name: string;
  /** An embedded message has no name in JSON: its fields are its parent's. */
  readonly shape: "single" | "list" | "map" | "embedded";
  /** `string`, `bool`, `int32`, `int64`, `double`, `bytes`, or a message's name: of the value, or of the items. */
  readonly type: string;
  /** Its presence says something: it is kept when it is zero. */
  readonly pointer: boolean;
}

/** The fields of a message, by number. */
export type MessageFacts = ReadonlyMap<number, FieldFacts>;

let table: ReadonlyMap<string, MessageFacts> | undefined;

/** The fields of a message (`core.v1.Pod`); undefined when nothing is known about it. */
export function messageFacts(type: string): MessageFacts | undefined {
  return messages().get(type);
}

/** Every message, by name. */
export function messages(): ReadonlyMap<string, MessageFacts> {
  table ??= parseTable(protobufFacts);
  return table;
}

const scalars: ReadonlySet<string> = new Set(["string", "bool", "int32", "int64", "double", "bytes"]);
const fieldPattern = /^(\d+) (?:(\.\.\.)|([\w$-]+)(\?)? ?)(?:(\[\]|\{\})?([\w.]+))?$/;
const shapes: Readonly<Record<string, FieldFacts["shape"]>> = { "[]": "list", "{}": "map", "...": "embedded" };

function parseTable(text: string): ReadonlyMap<string, MessageFacts> {
  const found = new Map<string, MessageFacts>();
  let section = "";
  // What stands before the first section is known by its bare name everywhere.
  const resolve = (type: string) =>
    scalars.has(type) || type.includes(".") || found.has(type) ? type : `${section}.${type}`;
  for (const line of text.trim().split("\n")) {
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    if (heading !== undefined) {
      section = heading;
      continue;
    }
    const [name = "", fields = ""] = line.split(/: ?/);
    found.set(
      section === "" ? name : `${section}.${name}`,
      new Map(fields === "" ? [] : fields.split(", ").map((f) => parseField(f, resolve))),
    );
  }
  return found;
}

function parseField(text: string, resolve: (type: string) => string): [number, FieldFacts] {
  const [, number, embedded, name = "", pointer, shape, type = "string"] = fieldPattern.exec(text) ?? [];
  if (number === undefined) throw new SyntaxError(`Cannot read facts about a field: ${text}`);
  return [
    Number(number),
    {
      name,
      shape: shapes[embedded ?? shape ?? ""] ?? "single",
      type: resolve(type),
      pointer: pointer !== undefined,
    },
  ];
}
