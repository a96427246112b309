/** Stand-in for `@std/cli` in the npm build, which cannot depend on JSR packages: the part of its API that wherry uses. */

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;

/** How many columns `str` takes on a terminal: wide characters two, combining marks and escape sequences none. */
export function unicodeWidth(str: string): number {
  let width = 0;
  for (const character of str) {
    if (/[\p{M}\p{C}]/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

/** How {@linkcode parseArgs} reads flags. */
export interface ParseOptions {
  readonly boolean?: readonly string[];
  readonly string?: readonly string[];
  readonly collect?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  readonly default?: Readonly<Record<string, unknown>>;
}

/** Flags by their names, without their dashes; `_` has the other words. */
export interface Args {
  _: (string | number)[];
  [name: string]: unknown;
}

/** Reads the words of a command line. */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const { boolean = [], string = [], collect = [], alias = {}, default: preset = {} } = options;
  const groups = aliasGroups(alias);
  const namesOf = (name: string) => groups.find((group) => group.includes(name)) ?? [name];
  const isIn = (list: readonly string[], name: string) => namesOf(name).some((one) => list.includes(one));
  const found: Args = { _: [] };
  const set = (name: string, value: unknown) => {
    const typed = typeof value === "string" && !isIn(string, name) && numeric.test(value) ? Number(value) : value;
    for (const one of namesOf(name)) setAt(found, one.split("."), typed, isIn(collect, name));
  };
  const end = args.indexOf("--");
  const words = end < 0 ? [...args] : args.slice(0, end);
  const alone = (name: string) => (isIn(string, name) ? "" : true);
  /** A flag whose value, if it has one, is the next word. */
  const setNext = (name: string) => {
    const [next = ""] = words;
    if (isIn(boolean, name)) set(name, /^(true|false)$/.test(next) ? words.shift() === "true" : true);
    else set(name, next === "" || next.startsWith("-") ? alone(name) : words.shift());
  };
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name !== undefined) {
      if (value === undefined) setNext(name);
      else set(name, isIn(boolean, name) ? value === "true" : value);
    } else if (/^-[^-]/.test(word)) setLetters(word.slice(1));
    else found._.push(string.includes("_") || !numeric.test(word) ? word : Number(word));
  }
  for (const [name, value] of Object.entries(preset)) if (!hasAt(found, name.split("."))) set(name, value);
  for (const name of boolean) if (!hasAt(found, name.split("."))) set(name, isIn(collect, name) ? [] : false);
  if (end >= 0) found._.push(...args.slice(end + 1));
  return found;

  /** `-abc`, `-n5`, `-n=5`, `-o/path`: letters, the last of which may have a value. */
  function setLetters(letters: string): void {
    for (let at = 0; at < letters.length; at++) {
      const letter = letters.charAt(at);
      const rest = letters.slice(at + 1);
      if (rest === "") setNext(letter);
      else if (numeric.test(rest) || /^\W/.test(rest)) {
        set(letter, rest.replace(/^=/, ""));
        return;
      } else set(letter, alone(letter));
    }
  }
}

const numeric = /^(?:0x[0-9a-f]+|[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)$/i;

function aliasGroups(alias: Readonly<Record<string, string>>): readonly (readonly string[])[] {
  const groups = new Map<string, string[]>();
  for (const [name, other] of Object.entries(alias)) groups.set(other, [...(groups.get(other) ?? [other]), name]);
  return [...groups.values()];
}

type Nested = Record<string, unknown>;

function hasAt(object: Nested, [key = "", ...rest]: readonly string[]): boolean {
  if (!Object.hasOwn(object, key)) return false;
  return rest.length === 0 || hasAt(object[key] as Nested, rest);
}

function setAt(object: Nested, [key = "", ...rest]: readonly string[], value: unknown, collects: boolean): void {
  const before = Object.hasOwn(object, key) ? object[key] : undefined;
  const isNested = typeof before === "object" && before !== null && !Array.isArray(before);
  let next = value;
  if (rest.length > 0) {
    next = isNested ? before : {};
    setAt(next as Nested, rest, value, collects);
  } else if (collects && !Array.isArray(value)) next = [...(Array.isArray(before) ? before : []), value];
  // Also what is called `__proto__` is only a name.
  Object.defineProperty(object, key, { value: next, enumerable: true, configurable: true, writable: true });
}
