import {
  type GoValue,
  goFloatText,
  goKind,
  goMembers,
  goNumber,
  goQuote,
  goSyntax,
  goText,
  goTypeName,
} from "./go_value.ts";
import type { Json } from "./meta.ts";

/** Longest padding that a format may ask for: `%1000000000d` is a mistake or an attack. */
const maxWidth = 10_000;

interface Directive {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
}

/**
 * Text by a format, as Go's `fmt.Sprintf` makes it from values of JSON, with its remarks about wrong verbs and arguments.
 *
 * @see https://pkg.go.dev/fmt
 */
export function goSprintf(format: string, values: readonly GoValue[]): string {
  let next = 0;
  let out = "";
  let at = 0;
  const directive = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(.?)/suy;
  while (at < format.length) {
    const percent = format.indexOf("%", at);
    if (percent < 0) return out + format.slice(at) + extra(values.slice(next));
    out += format.slice(at, percent);
    directive.lastIndex = percent;
    const [whole = "%", flags = "", width, precision, verb = ""] = directive.exec(format) ?? [];
    at = percent + whole.length;
    if (verb === "%") {
      out += "%";
      continue;
    }
    if (verb === "") {
      out += "%!(NOVERB)";
      continue;
    }
    const number = (text: string | undefined) => {
      if (text === "*") return Math.min(maxWidth, Number(goNumber(values[next++])));
      return text === undefined ? undefined : Math.min(maxWidth, Number(text));
    };
    const read = { flags, width: number(width), precision: number(precision), verb };
    out += next < values.length ? formatted(read, values[next]) : `%!${verb}(MISSING)`;
    next++;
  }
  return out + extra(values.slice(next));
}

function extra(values: readonly GoValue[]): string {
  if (values.length === 0) return "";
  return `%!(EXTRA ${values.map((value) => (goTypeName(value) === "<nil>" ? "<nil>" : `${goTypeName(value)}=${goText(value)}`)).join(", ")})`;
}

function formatted(directive: Directive, value: GoValue): string {
  const { verb, flags } = directive;
  if (verb === "T") return padded(directive, goTypeName(value));
  if (verb === "v" && flags.includes("#")) return padded(directive, goSyntax(value));
  const kind = goKind(value);
  if (kind === "slice") {
    return `[${(value as readonly Json[]).map((item) => formatted(directive, item)).join(" ")}]`;
  }
  if (kind === "map") {
    const members = goMembers(value).map(
      ([name, member]) => `${formatted(directive, name)}:${formatted(directive, member)}`,
    );
    return `map[${members.join(" ")}]`;
  }
  if (kind === "invalid" || kind === "nil") return verb === "v" ? padded(directive, "<nil>") : `%!${verb}(<nil>)`;
  const text =
    kind === "string"
      ? stringText(directive, value as string)
      : kind === "int"
        ? integerText(directive, BigInt(goNumber(value)))
        : kind === "float"
          ? floatText(directive, Number(goNumber(value)))
          : verb === "t" || verb === "v"
            ? String(value)
            : undefined;
  return text === undefined ? `%!${verb}(${goTypeName(value)}=${goText(value)})` : padded(directive, text, kind);
}

function stringText({ verb, precision, flags }: Directive, value: string): string | undefined {
  const text = precision === undefined ? value : [...value].slice(0, precision).join("");
  if (verb === "s" || verb === "v") return text;
  if (verb === "q") return flags.includes("#") && !text.includes("`") ? `\`${text}\`` : goQuote(text);
  if (verb === "x" || verb === "X") {
    const hex = [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return verb === "X" ? hex.toUpperCase() : hex;
  }
  return undefined;
}

const bases: Readonly<Record<string, readonly [radix: number, prefix: string]>> = {
  d: [10, ""],
  v: [10, ""],
  b: [2, "0b"],
  o: [8, "0"],
  O: [8, "0o"],
  x: [16, "0x"],
  X: [16, "0X"],
};

function integerText({ verb, flags, precision }: Directive, value: bigint): string | undefined {
  if (verb === "c") return String.fromCodePoint(Number(value));
  if (verb === "q") return `'${String.fromCodePoint(Number(value))}'`;
  if (verb === "U") return `U+${value.toString(16).toUpperCase().padStart(4, "0")}`;
  const base = Object.hasOwn(bases, verb) ? bases[verb] : undefined;
  if (!base) return undefined;
  const [radix, prefix] = base;
  const digits = (value < 0n ? -value : value).toString(radix).padStart(precision ?? 0, "0");
  return `${sign(flags, value < 0n)}${flags.includes("#") || verb === "O" ? prefix : ""}${verb === "X" ? digits.toUpperCase() : digits}`;
}

function floatText({ verb, flags, precision }: Directive, value: number): string | undefined {
  const size = Math.abs(value);
  const exponential = () => exponentOfTwo(size.toExponential(Math.min(100, precision ?? 6)));
  let text: string;
  if (verb === "f" || verb === "F") text = size.toFixed(Math.min(100, precision ?? 6));
  else if (verb === "e") text = exponential();
  else if (verb === "E") text = exponential().toUpperCase();
  else if (verb === "g" || verb === "v" || verb === "G") {
    text = goFloatText(precision === undefined ? size : Number(size.toPrecision(Math.min(100, precision || 1))));
  } else return undefined;
  return `${sign(flags, value < 0)}${text}`;
}

function exponentOfTwo(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function sign(flags: string, negative: boolean): string {
  return negative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
}

function padded({ width = 0, flags, precision }: Directive, text: string, kind = "string"): string {
  const missing = Math.abs(width) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes("-") || width < 0) return text + " ".repeat(missing);
  const zeros = flags.includes("0") && !(kind === "int" && precision !== undefined);
  if (!zeros) return " ".repeat(missing) + text;
  const [, before = "", digits = text] = kind === "string" ? [] : (/^([-+ ]?)(.*)$/s.exec(text) ?? []);
  return before + "0".repeat(missing) + digits;
}
