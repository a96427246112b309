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

const read = new Map<string, MessageFacts>();
let lines: ReadonlyMap<string, Line> | undefined;

/** The fields of a message (`core.v1.Pod`); undefined when nothing is known about it. */
export function messageFacts(type: string): MessageFacts | undefined {
  lines ??= readLines(protobufFacts);
  const known = read.get(type);
  if (known) return known;
  // Each message is read when it is first asked for: few processes need them all.
  const line = lines.get(type);
  if (!line) return undefined;
  const facts = parseLine(line, lines);
  read.set(type, facts);
  return facts;
}

/** Every message, by name. */
export function messages(): ReadonlyMap<string, MessageFacts> {
  lines ??= readLines(protobufFacts);
  return new Map([...lines.keys()].map((type) => [type, messageFacts(type) ?? new Map()]));
}

interface Line {
  readonly section: string;
  readonly fields: string;
}

const scalars: ReadonlySet<string> = new Set(["string", "bool", "int32", "int64", "double", "bytes"]);
const fieldPattern = /^(\d+) (?:(\.\.\.)|([\w$-]+)(\?)? ?)(?:(\[\]|\{\})?([\w.]+))?$/;
const shapes: Readonly<Record<string, FieldFacts["shape"]>> = { "[]": "list", "{}": "map", "...": "embedded" };

function readLines(text: string): ReadonlyMap<string, Line> {
  const found = new Map<string, Line>();
  let section = "";
  for (const line of text.trim().split("\n")) {
    if (line.startsWith("[")) section = line.slice(1, -1);
    else {
      const [name = "", fields = ""] = line.split(/: ?/, 2);
      found.set(section === "" ? name : `${section}.${name}`, { section, fields });
    }
  }
  return found;
}

function parseLine({ section, fields }: Line, all: ReadonlyMap<string, Line>): MessageFacts {
  // What stands before the first section is known by its bare name everywhere.
  const resolve = (type: string) =>
    scalars.has(type) || type.includes(".") || all.has(type) ? type : `${section}.${type}`;
  return new Map(fields === "" ? [] : fields.split(", ").map((field) => parseField(field, resolve)));
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
