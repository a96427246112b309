import type { Frame, Run, Typed } from "./_typed.ts";
import type { Compiler } from "./compiler.ts";
import { CelError } from "./errors.ts";
import { sortByKeys } from "./functions/lists.ts";
import type { Loop } from "./syntax.ts";
import { bool, type CelType, dyn, int, isDynamic, listOf, mapOf, param, typeName } from "./types.ts";
import { CelMap, isList, LiteralMap, type Value } from "./values.ts";

/** What a turn costs besides its body: the accumulator is read, tested and written. */
const turnCost = 3;
/** What it costs to add to a list or map. */
const addCost = 11;

/** Compiles a macro over a list or map. */
export function compileLoop(compiler: Compiler, loop: Loop): Typed {
  const range = compiler.compile(loop.range);
  const types = variableTypes(range.type, loop.variables.length);
  if (!types)
    return compiler.mistake(
      `expression of type '${typeName(range.type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      loop.range.at,
    );
  const variables = loop.variables.map((name, index) => [name, types[index] ?? dyn] as const);
  return compiler.within(variables, (slots) => {
    const filter = loop.filter ? compiler.expect(loop.filter, bool).run : undefined;
    const isTest = ["all", "exists", "existsOne", "filter"].includes(loop.loop);
    const body = isTest ? compiler.expect(loop.body, bool) : compiler.compile(loop.body);
    if (loop.loop === "transformMapEntry" && body.type.kind !== "map" && !isDynamic(body.type))
      return compiler.mistake(`expected type 'map(K, V)' but found '${typeName(body.type)}'`, loop.body.at);
    const each = (frame: Frame, visit: (key: Value, value: Value) => boolean) =>
      turns(range.run(frame), frame, slots, filter, visit);
    return { type: resultType(loop, range.type, types, body.type), run: runOf(loop, each, body.run, range.run) };
  });
}

function variableTypes(range: CelType, count: number): readonly CelType[] | undefined {
  if (isDynamic(range)) return [dyn, dyn];
  // What is in an empty list is anything.
  const known = (type: CelType) => (type.kind === "param" ? dyn : type);
  if (range.kind === "list") return count === 1 ? [known(range.element)] : [int, known(range.element)];
  return range.kind === "map" ? [known(range.key), known(range.value)] : undefined;
}

function resultType(
  { loop }: Loop,
  range: CelType,
  [first = dyn, second = dyn]: readonly CelType[],
  body: CelType,
): CelType {
  switch (loop) {
    case "map":
    case "transformList":
      return listOf(body);
    case "filter":
      return listOf(first);
    case "sortBy":
      return range.kind === "list" ? range : listOf(dyn);
    case "transformMap":
      return mapOf(first, body);
    case "transformMapEntry":
      return body.kind === "map" ? body : mapOf(param("K"), second);
    default:
      return bool;
  }
}

/** Goes over the range until `visit` says no. */
function turns(
  range: Value,
  frame: Frame,
  [first = 0, second]: readonly number[],
  filter: Run | undefined,
  visit: (key: Value, value: Value) => boolean,
): void {
  if (!isList(range) && !(range instanceof CelMap)) throw new CelError("no such overload");
  const keys = range instanceof CelMap ? range.keys() : range;
  for (const [index, element] of keys.entries()) {
    frame.budget.spend(turnCost);
    const key = range instanceof CelMap || second === undefined ? element : BigInt(index);
    const value = range instanceof CelMap && second !== undefined ? (range.get(element) ?? null) : element;
    frame.slots[first] = key;
    if (second !== undefined) frame.slots[second] = value;
    if (filter && !truth(filter(frame))) continue;
    if (!visit(key, value)) return;
  }
}

type Each = (frame: Frame, visit: (key: Value, value: Value) => boolean) => void;

function runOf({ loop }: Loop, each: Each, body: Run, range: Run): Run {
  switch (loop) {
    case "all":
      return quantifier(each, body, false);
    case "exists":
      return quantifier(each, body, true);
    case "existsOne":
      return (frame) => {
        let count = 0;
        each(frame, () => {
          if (truth(body(frame))) count++;
          return true;
        });
        return count === 1;
      };
    case "map":
    case "transformList":
      return collecting(each, (frame, list) => list.push(body(frame)));
    case "filter":
      return collecting(each, (frame, list, key) => {
        if (truth(body(frame))) list.push(key);
      });
    case "sortBy":
      return (frame) => {
        const list = range(frame);
        if (!isList(list)) throw new CelError("no such overload");
        const keys = collecting(each, (_, found) => found.push(body(frame)))(frame);
        return sortByKeys(list, keys as readonly Value[], frame.budget);
      };
    case "transformMap":
      return mapping(each, (frame, map, key) => map.add(key, body(frame)));
    case "transformMapEntry":
      return mapping(each, (frame, map) => {
        const entries = body(frame);
        if (!(entries instanceof CelMap)) throw new CelError("no such overload");
        for (const key of entries.keys()) map.add(key, entries.get(key) ?? null);
      });
  }
}

/** `all` and `exists`: an element that decides does so, also after one that failed. */
function quantifier(each: Each, body: Run, decisive: boolean): Run {
  return (frame) => {
    let failure: CelError | undefined;
    let decided = false;
    each(frame, () => {
      try {
        decided = truth(body(frame)) === decisive;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        failure ??= error;
      }
      return !decided;
    });
    if (decided) return decisive;
    if (failure) throw failure;
    return !decisive;
  };
}

function collecting(each: Each, add: (frame: Frame, list: Value[], key: Value) => void): Run {
  return (frame) => {
    const list: Value[] = [];
    each(frame, (key) => {
      frame.budget.spend(addCost);
      add(frame, list, key);
      return true;
    });
    return list;
  };
}

function mapping(each: Each, add: (frame: Frame, map: LiteralMap, key: Value) => void): Run {
  return (frame) => {
    const map = new LiteralMap();
    each(frame, (key) => {
      frame.budget.spend(addCost);
      add(frame, map, key);
      return true;
    });
    return map;
  };
}

function truth(value: Value): boolean {
  if (typeof value !== "boolean") throw new CelError("no such overload");
  return value;
}
