import { readTextFile } from "../platform/files.ts";
import { parseDuration } from "../util/duration.ts";
import { isJsonObject } from "./json_object.ts";
import type { Json, JsonObject } from "./meta.ts";
import { type FieldError, fieldError } from "./status.ts";

/**
 * Reads one object of a configuration file member by member. What is wrong is noted, not thrown, so that all of it is
 * told at once; members that nobody reads are wrong, too.
 */
export class ConfigurationReader {
  /** Where the object stands in the file, as field errors say it; empty for the whole. */
  readonly path: string;
  readonly #object: JsonObject;
  readonly #errors: FieldError[];
  readonly #read = new Set<string>();
  readonly #inner = new Map<string, ConfigurationReader>();

  constructor(object: JsonObject, { path, errors }: { readonly path: string; readonly errors: FieldError[] }) {
    this.#object = object;
    this.path = path;
    this.#errors = errors;
  }

  /** The path of a member. */
  at(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  /** Notes what is wrong. */
  note(...errors: readonly FieldError[]): void {
    this.#errors.push(...errors);
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  /** Empty when it is not there. */
  text(name: string): string {
    return this.#typed(name, "string", (value) => (typeof value === "string" ? value : undefined)) ?? "";
  }

  /** Undefined when it is not there. */
  integer(name: string): number | undefined {
    return this.#typed(name, "integer", (value) =>
      typeof value === "number" && Number.isSafeInteger(value) ? value : undefined,
    );
  }

  /** Whatever it is, read as a whole; undefined when it is not there. */
  json(name: string): Json | undefined {
    return this.#get(name);
  }

  /** False when it is not there. */
  boolean(name: string): boolean {
    return this.#typed(name, "boolean", (value) => (typeof value === "boolean" ? value : undefined)) ?? false;
  }

  /** Milliseconds of a duration such as `30s`; undefined when it is not there. */
  duration(name: string): number | undefined {
    const text = this.text(name);
    if (text === "") return undefined;
    try {
      return parseDuration(text);
    } catch (error) {
      this.note(fieldError.invalid(this.at(name), text, (error as Error).message));
      return undefined;
    }
  }

  texts(name: string): readonly string[] {
    const isText = (value: Json) => typeof value === "string";
    return (
      this.#typed(name, "array of strings", (value) =>
        Array.isArray(value) && value.every(isText) ? (value as readonly string[]) : undefined,
      ) ?? []
    );
  }

  object(name: string): ConfigurationReader | undefined {
    const value = this.#typed(name, "object", (member) => (isJsonObject(member) ? member : undefined));
    return value && this.#open(value, this.at(name));
  }

  objects(name: string): readonly ConfigurationReader[] {
    const list = this.#typed(name, "array of objects", (value) =>
      Array.isArray(value) && value.every(isJsonObject) ? (value as readonly JsonObject[]) : undefined,
    );
    return (list ?? []).map((value, index) => this.#open(value, `${this.at(name)}[${index}]`));
  }

  /** Notes the members that nobody has read, here and below. */
  close(): void {
    for (const name of Object.keys(this.#object))
      if (!this.#read.has(name))
        this.note({
          type: "Forbidden",
          field: this.at(name),
          message: `unknown field ${JSON.stringify(this.at(name))}`,
        });
    for (const reader of this.#inner.values()) reader.close();
  }

  #open(object: JsonObject, path: string): ConfigurationReader {
    const known = this.#inner.get(path);
    const reader = known ?? new ConfigurationReader(object, { path, errors: this.#errors });
    this.#inner.set(path, reader);
    return reader;
  }

  #get(name: string): Json | undefined {
    this.#read.add(name);
    const value = Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
    return value === null ? undefined : value;
  }

  #typed<T>(name: string, what: string, read: (value: Json) => T | undefined): T | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    const typed = read(value);
    if (typed === undefined) this.note(fieldError.typeInvalid(this.at(name), value, `must be of type ${what}`));
    return typed;
  }
}

/**
 * Reads a configuration file of one kind.
 *
 * @param options.read what the file says; what it notes as wrong is thrown together
 * @throws SyntaxError naming the file and everything that is wrong with it
 */
export async function readConfiguration<T>(
  path: string,
  {
    kind,
    apiVersions,
    read,
  }: {
    readonly kind: string;
    readonly apiVersions: readonly string[];
    readonly read: (reader: ConfigurationReader) => T | Promise<T>;
  },
): Promise<T> {
  const text = await readTextFile(path);
  if (text === undefined) throw new SyntaxError(`Cannot use the ${kind} ${path}: it is not there`);
  // Seldom needed, and its library takes a while to load.
  const { parseYaml } = await import("./yaml_reader.ts");
  const document = parseYaml(text, path);
  const errors: FieldError[] = [];
  const reader = new ConfigurationReader(isJsonObject(document) ? document : {}, { path: "", errors });
  const [apiVersion, itsKind] = [reader.text("apiVersion"), reader.text("kind")];
  if (itsKind !== kind || !apiVersions.includes(apiVersion))
    throw new SyntaxError(
      `Cannot use the ${kind} ${path}: it must be of kind ${kind} and of ${apiVersions.join(", ")}`,
    );
  const value = await read(reader);
  reader.close();
  if (errors.length > 0) {
    const said = errors.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`));
    throw new SyntaxError(`Cannot use the ${kind} ${path}: ${said.length === 1 ? said[0] : `[${said.join(", ")}]`}`);
  }
  return value;
}
