import { Composer, Lexer, LineCounter, Parser } from "yaml";
import { type JsonLimits, parseJson } from "./json.ts";
import { isJsonObject } from "./json_object.ts";
import { endOfString } from "./json_text.ts";
import type { Json, JsonObject } from "./meta.ts";
import { StatusError } from "./status.ts";
import { type Fail, maxYamlDepth, YamlConverter } from "./yaml_converter.ts";

/** What reading YAML refuses. */
export interface YamlLimits {
  /** Most UTF-16 units of text. Default 64 MiB; what comes from a network deserves less. */
  readonly maxLength?: number;
  /** Most tokens of YAML, and values of JSON. Default: any number; what comes from a network deserves less. */
  readonly maxTokens?: number;
}

const defaultMaxLength = 64 * 1024 * 1024;
/** Most nodes and characters that all aliases of a text may stand for together. */
const maxAliased = 1_000_000;

/**
 * The objects of a manifest, as kubectl reads them: several documents, JSON too (even one after the other), lists taken
 * apart, empty documents skipped.
 *
 * @param source name of the file, for messages
 * @throws SyntaxError naming file and line
 */
export function parseManifests(text: string, source: string, limits: YamlLimits = {}): JsonObject[] {
  return [...iterateManifests(text, source, limits)];
}

/**
 * The same one by one: what stands before an error in the text comes before it is thrown.
 *
 * @throws SyntaxError naming file and line
 */
export function* iterateManifests(text: string, source: string, limits: YamlLimits = {}): Generator<JsonObject> {
  for (const { value, line } of readDocuments(text, source, limits)) {
    if (value === null) continue;
    if (!isJsonObject(value))
      throw new SyntaxError(`unable to decode ${JSON.stringify(source)}: line ${line}: a manifest must be an object`);
    yield* itemsOf(value);
  }
}

/**
 * The value of a text that holds one YAML or JSON document.
 *
 * @throws SyntaxError naming source and line
 */
export function parseYaml(text: string, source: string, limits: YamlLimits = {}): Json {
  const [first, second] = readDocuments(text, source, limits);
  if (second) throw new SyntaxError(`error parsing ${source}: line ${second.line}: expected a single document`);
  return first?.value ?? null;
}

/** Takes lists apart. The items of a `PodList` need not say that they are Pods. */
function* itemsOf(object: JsonObject): Generator<JsonObject> {
  const items: Json | undefined = Object.hasOwn(object, "items") ? object["items"] : undefined;
  if (!Array.isArray(items)) {
    yield object;
    return;
  }
  const { kind, apiVersion } = object;
  const itemKind = typeof kind === "string" && kind !== "List" ? kind.replace(/List$/, "") : undefined;
  for (const item of items as readonly Json[]) {
    if (!isJsonObject(item)) continue;
    const named = Object.hasOwn(item, "kind") || !itemKind || typeof apiVersion !== "string";
    yield* itemsOf(named ? item : { apiVersion, kind: itemKind, ...item });
  }
}

interface ReadDocument {
  readonly value: Json;
  /** Line on which the document begins, from 1. */
  readonly line: number;
}

function readDocuments(
  text: string,
  source: string,
  { maxLength = defaultMaxLength, maxTokens = Number.POSITIVE_INFINITY }: YamlLimits,
): Iterable<ReadDocument> {
  if (text.length > maxLength) throw new SyntaxError(`error parsing ${source}: longer than ${maxLength} characters`);
  const withoutMark = text.startsWith("\ufeff") ? text.slice(1) : text;
  return (
    readJson(withoutMark, source, { maxBytes: maxLength, maxValues: maxTokens }) ??
    readYaml(withoutMark, source, maxTokens)
  );
}

/** Concatenated JSON documents; undefined when the text is no JSON (it may still be YAML in flow style). */
function readJson(
  text: string,
  source: string,
  limits: Pick<JsonLimits, "maxBytes" | "maxValues">,
): readonly ReadDocument[] | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  const documents: ReadDocument[] = [];
  let at = 0;
  while (text.slice(at, at + 1) !== "") {
    const end = endOfDocument(text, at);
    const document = text.slice(at, end);
    if (document.trim() === "") break;
    if (!isJson(document)) return undefined;
    try {
      documents.push({ value: parseJson(document, limits), line: lineOf(text, at) });
    } catch (cause) {
      if (!(cause instanceof StatusError)) throw cause;
      throw new SyntaxError(`error parsing ${source}: ${cause.message}`, { cause });
    }
    at = end;
  }
  return documents;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Where the brackets opened since `start` are closed again. */
function endOfDocument(text: string, start: number): number {
  const interesting = /["{}[\]]/g;
  interesting.lastIndex = start;
  let depth = 0;
  for (let match = interesting.exec(text); match; match = interesting.exec(text)) {
    const [char] = match;
    if (char === '"') {
      interesting.lastIndex = endOfString(text, match.index) + 1;
    } else if (char === "{" || char === "[") depth++;
    else if (--depth <= 0) return interesting.lastIndex;
  }
  return text.length;
}

function lineOf(text: string, offset: number): number {
  const start = offset + (/\S/.exec(text.slice(offset))?.index ?? 0);
  return text.slice(0, start).split("\n").length;
}

function* readYaml(text: string, source: string, maxTokens: number): Generator<ReadDocument> {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const fail: Fail = (message, offset) => {
    const place = offset === undefined ? "" : `line ${Math.max(1, lines.linePos(offset).line)}: `;
    throw new SyntaxError(`error parsing ${source}: error converting YAML to JSON: yaml: ${place}${message}`);
  };
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes > maxTokens) fail(`more than ${maxTokens} tokens`, parser.offset);
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > maxYamlDepth) fail(`exceeded max depth of ${maxYamlDepth}`, parser.offset);
  }
  for (const token of parser.end()) tokens.push(token);
  // The failsafe schema makes every scalar text: what it means is kubectl's business, not the library's.
  const composer = new Composer({
    version: "1.1",
    schema: "failsafe",
    uniqueKeys: false,
    merge: false,
    logLevel: "silent",
  });
  const budget = { left: maxAliased };
  for (const document of composer.compose(tokens)) {
    const [error] = document.errors;
    if (error) fail(error.message, error.pos[0]);
    const offset = document.contents?.range[0] ?? document.range[0];
    const value = new YamlConverter(fail, budget).convert(document.contents);
    yield { value, line: lines.linePos(offset).line };
  }
}
